import { activationTolerance, sumTolerance } from "@tessera/core";
import {
  referenceLayerNorm,
  referenceLayerNormGradients,
} from "../../reference/training/layer-norm.js";
import { referenceDropout } from "../../reference/training/dropout.js";
import { expectClose, expectThat, readAs } from "../assertions.js";
import type { CaseDefinition } from "../case.js";
import { floats } from "../problems.js";
import { expectSums, magnitudes, normals, trainingCase, written } from "./problem.js";

/** Rows and columns. */
const SHAPES: readonly (readonly [number, number])[] = [
  [0, 3],
  [1, 1],
  [3, 2],
  [33, 31],
  [65, 128],
  [7, 517],
];

/** Rows about 2, some with hardly any variance beyond epsilon. */
function makeRows(rows: number, columns: number): Float32Array {
  return normals(rows * columns, 171).map((value, i) =>
    Math.floor(i / columns) % 4 === 3 ? 1e-3 * value : 2 + value,
  );
}

export const normCases: readonly CaseDefinition[] = [
  trainingCase("layerNorm: on every shape, with an activation and without", async (backend) => {
    for (const [rows, columns] of SHAPES) {
      const x = makeRows(rows, columns);
      const scale = normals(columns, 172);
      const shift = normals(columns, 173);
      const shape = [rows, columns];
      for (const activation of ["none", "relu", "gelu", "silu"] as const) {
        const { output, preActivation } = backend.layerNorm(
          floats(backend, x, shape),
          { scale: floats(backend, scale), shift: floats(backend, shift) },
          { epsilon: 1e-5, activation },
        );
        const exact = referenceLayerNorm(x, scale, shift, 1e-5, activation);
        // |x − mean| and the mean are at most about 6 deviations here; a row's mean may cancel.
        const off = (i: number): number =>
          16 *
          sumTolerance(columns) *
          (Math.abs(scale[i % columns]!) + Math.abs(shift[i % columns]!)) *
          (1 + Math.abs(x[i]!));
        const name = `layerNorm, ${activation}`;
        const z = await readAs(preActivation, "float32", shape, name);
        expectClose(z, exact.preActivation, off, shape, `${name}, preActivation`);
        const steep = (i: number): number =>
          1.13 * off(i) + activationTolerance(exact.preActivation[i]!);
        const values = await readAs(output, "float32", shape, name);
        expectClose(values, exact.output, steep, shape, name);
      }
    }
  }),
  trainingCase("layerNormGradients: of rows, scale and shift", async (backend, settings) => {
    for (const [rows, columns] of SHAPES) {
      const x = makeRows(rows, columns);
      const scale = normals(columns, 172);
      const gradient = normals(rows * columns, 174);
      const shape = [rows, columns];
      const into = { scale: written(backend, [columns]), shift: written(backend, [columns]) };
      const found = backend.layerNormGradients(
        floats(backend, x, shape),
        floats(backend, scale),
        floats(backend, gradient, shape),
        into,
        1e-5,
      );
      const exact = referenceLayerNormGradients(x, scale, gradient, 1e-5);
      const zeros = new Float32Array(columns);
      const ones = new Float32Array(columns).fill(1);
      const unit = referenceLayerNorm(x, ones, zeros, 1e-5, "none").output;
      const name = "layerNormGradients";
      // What the rows' own errors, above, do to each sum.
      const terms = 64 * (columns + rows);
      const sizes = (at: (i: number) => number): Float64Array => {
        const sums = new Float64Array(columns).fill(1);
        gradient.forEach((g, i) => (sums[i % columns]! += Math.abs(g) * at(i)));
        return sums;
      };
      const ofScale = sizes((i) => 1 + Math.abs(unit[i]!));
      await expectSums(
        into.scale,
        exact.scale,
        terms,
        ofScale,
        [columns],
        `${name}, scale`,
        settings,
      );
      const ofShift = sizes(() => 1);
      await expectSums(
        into.shift,
        exact.shift,
        rows,
        ofShift,
        [columns],
        `${name}, shift`,
        settings,
      );
      // 1 / √epsilon is the most that a row without variance is stretched by.
      const inverse = referenceLayerNormGradients(x, magnitudes(scale), gradient, 1e-5).x.map(
        (_, i) => (Math.floor(i / columns) % 4 === 3 || columns < 3 ? 320 : 4),
      );
      const size = inverse.map((factor, i) => factor * (4 + Math.abs(unit[i]!)));
      await expectSums(found, exact.x, terms, size, shape, `${name}, rows`, settings);
    }
  }),
  trainingCase(
    "dropout: keeps the elements that Philox names, and scales them",
    async (backend) => {
      for (const size of [0, 1, 3, 64, 1003]) {
        const x = normals(size, 175);
        for (const [rate, seed, call] of [
          [0, 1, 0],
          [0.1, 2, 7],
          [0.5, 2 ** 32 - 1, 2 ** 32 - 1],
          [0.9, 5, 3],
        ] as const) {
          const found = backend.dropout(floats(backend, x), rate, seed, call);
          const exact = referenceDropout(x, rate, seed, call);
          const values = await readAs(found, "float32", [size], "dropout");
          const bound = (i: number): number => sumTolerance(1) * Math.abs(exact[i]!);
          expectClose(values, exact, bound, [size], `dropout of ${rate}`);
          const zeros = exact.filter((value) => value === 0).length;
          const got = values.filter((value) => value === 0).length;
          expectThat(zeros === got, "dropout", `${got} values are 0, not ${zeros}`);
        }
      }
    },
  ),
];
