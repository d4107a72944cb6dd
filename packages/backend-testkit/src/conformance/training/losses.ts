import { sumTolerance } from "@tessera/core";
import {
  referenceReconstructionLoss,
  referenceRotateGradient,
} from "../../reference/training/losses.js";
import { expectClose, readAs } from "../assertions.js";
import type { CaseDefinition } from "../case.js";
import { floats } from "../problems.js";
import { normals, trainingCase } from "./problem.js";

/** Rows and columns. */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 3],
  [1, 1],
  [3, 2],
  [33, 31],
  [65, 128],
  [7, 517],
];

function lengths(values: Float32Array, columns: number): Float64Array {
  const sums = new Float64Array(values.length / columns);
  values.forEach((value, i) => (sums[Math.floor(i / columns)]! += value * value));
  return sums.map(Math.sqrt);
}

export const lossCases: readonly CaseDefinition[] = [
  trainingCase("reconstructionLoss: every kind, with its gradient", async (backend, settings) => {
    for (const [rows, columns] of SHAPES) {
      const y = normals(rows * columns, 181);
      const x = normals(rows * columns, 182);
      // A row of zeros has no direction.
      if (rows > 3) y.fill(0, 2 * columns, 3 * columns);
      const shape = [rows, columns];
      const sizeY = lengths(y, columns).map((length) => length || 1);
      const sizeX = lengths(x, columns);
      for (const kind of ["squared", "normalized", "cosine"] as const) {
        const weight = 0.37;
        const output = floats(backend, y, shape);
        const target = floats(backend, x, shape);
        const found = backend.reconstructionLoss(output, target, { kind, weight });
        const exact = referenceReconstructionLoss(y, x, rows, { kind, weight });
        const ofRow = (row: number): number =>
          kind === "squared" ? sizeX[row]! ** 2 + sizeY[row]! ** 2 : 2 + sizeX[row]! ** 2;
        const name = `reconstructionLoss, ${kind}`;
        const off = (row: number): number =>
          4 * sumTolerance(columns) * ofRow(row) + columns * settings.smallest;
        const losses = await readAs(found.losses, "float32", [rows], name);
        expectClose(losses, exact.losses, off, [rows], `${name}, losses`);
        const bound = (i: number): number => {
          const row = Math.floor(i / columns);
          const size = kind === "squared" ? Math.abs(y[i]!) + Math.abs(x[i]!) : 2 + sizeX[row]!;
          return 4 * sumTolerance(kind === "squared" ? 2 : columns) * size;
        };
        const gradient = await readAs(found.gradient, "float32", shape, name);
        expectClose(gradient, exact.gradient, bound, shape, `${name}, gradient`);
      }
    }
  }),
  trainingCase("rotateGradient: turned and scaled as z is to the quantized", async (backend) => {
    for (const [rows, columns] of SHAPES) {
      const z = normals(rows * columns, 183);
      const q = z.map((value, i) => 0.8 * value + 0.3 * Math.sin(i));
      const g = normals(rows * columns, 184);
      // Neither a row of zeros nor the opposite direction has a rotation.
      if (rows > 4) {
        z.fill(0, columns, 2 * columns);
        q.fill(0, 2 * columns, 3 * columns);
        z.subarray(3 * columns, 4 * columns).forEach((value, i) => (q[3 * columns + i] = -value));
      }
      const shape = [rows, columns];
      const found = backend.rotateGradient(
        floats(backend, z, shape),
        floats(backend, q, shape),
        floats(backend, g, shape),
      );
      const exact = referenceRotateGradient(z, q, g, columns);
      const [sizeZ, sizeQ, sizeG] = [z, q, g].map((values) => lengths(values, columns));
      const bound = (i: number): number => {
        const row = Math.floor(i / columns);
        return 32 * sumTolerance(columns) * (1 + sizeQ![row]! / (sizeZ![row]! || 1)) * sizeG![row]!;
      };
      const values = await readAs(found, "float32", shape, "rotateGradient");
      expectClose(values, exact, bound, shape, "rotateGradient");
    }
  }),
];
