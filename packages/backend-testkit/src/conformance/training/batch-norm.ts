import { activationTolerance, ArgumentError, ShapeError, sumTolerance } from "@tessera/core";
import {
  referenceBatchNorm,
  referenceBatchNormGradients,
  referenceBatchStatistics,
  referenceRunning,
} from "../../reference/training/batch-norm.js";
import { expectRefused } from "../arguments.js";
import { expectClose, expectSameBits, readAs } from "../assertions.js";
import type { CaseDefinition } from "../case.js";
import { floats } from "../problems.js";
import { expectSums, magnitudes, normals, optionCase, written } from "./problem.js";

/** Rows and columns. */
const SHAPES: readonly (readonly [number, number])[] = [
  [2, 1],
  [3, 2],
  [64, 31],
  [129, 128],
  [7, 517],
];

const ACTIVATIONS = ["none", "relu", "gelu", "silu"] as const;

/** Columns about 2 and 1 wide, every fourth with hardly any variance beyond epsilon. */
function makeRows(rows: number, columns: number): Float32Array {
  return normals(rows * columns, 251).map((value, i) =>
    (i % columns) % 4 === 3 ? 1e-3 * value : 2 + value,
  );
}

/** How far a normalized value may be off: rows and means are within 6 of 0, and cancel. */
function offOf(
  x: Float32Array,
  rows: number,
  columns: number,
  scale: Float32Array,
  shift: Float32Array,
  variance: ArrayLike<number>,
): (i: number) => number {
  return (i) => {
    const column = i % columns;
    const stretch = 1 / Math.sqrt(variance[column]! + 1e-5);
    const unit = 8 * sumTolerance(rows) * (1 + Math.abs(x[i]!)) * (1 + stretch);
    return (
      (1 + stretch) * unit * Math.abs(scale[column]!) + sumTolerance(4) * Math.abs(shift[column]!)
    );
  };
}

export const batchNormCases: readonly CaseDefinition[] = [
  optionCase(["batchNorm"], "batchNorm: by the batch, and running averages", async (backend) => {
    for (const [rows, columns] of SHAPES) {
      const x = makeRows(rows, columns);
      const [scale, shift] = [normals(columns, 252), normals(columns, 253)];
      const [mean, variance] = [normals(columns, 254), magnitudes(normals(columns, 255))];
      const shape = [rows, columns];
      const own = referenceBatchStatistics(x, columns);
      for (const activation of ACTIVATIONS) {
        const running = { mean: floats(backend, mean), variance: floats(backend, variance) };
        const { output, preActivation } = backend.batchNorm(
          floats(backend, x, shape),
          { scale: floats(backend, scale), shift: floats(backend, shift) },
          running,
          { epsilon: 1e-5, activation, momentum: 0.1 },
        );
        const name = `batchNorm, ${activation}`;
        const exact = referenceBatchNorm(x, scale, shift, own, 1e-5, activation);
        const off = offOf(x, rows, columns, scale, shift, own.variance);
        const z = await readAs(preActivation, "float32", shape, name);
        expectClose(z, exact.preActivation, off, shape, `${name}, preActivation`);
        const steep = (i: number): number =>
          1.13 * off(i) + activationTolerance(exact.preActivation[i]!);
        const values = await readAs(output, "float32", shape, name);
        expectClose(values, exact.output, steep, shape, name);
        const moved = referenceRunning(x, { mean, variance }, 0.1);
        const near = (i: number): number =>
          sumTolerance(rows) * (8 + Math.abs(mean[i]!) + variance[i]!);
        for (const what of ["mean", "variance"] as const) {
          const got = await readAs(running[what], "float32", [columns], name);
          expectClose(got, moved[what], near, [columns], `${name}, running ${what}`);
        }
      }
    }
  }),
  optionCase(["batchNorm"], "batchNorm: by running averages, which stay", async (backend) => {
    for (const [rows, columns] of [[0, 3], [1, 5], ...SHAPES] as const) {
      const x = makeRows(rows, columns);
      const [scale, shift] = [normals(columns, 252), normals(columns, 253)];
      const [mean, variance] = [normals(columns, 254), magnitudes(normals(columns, 255))];
      const shape = [rows, columns];
      const running = { mean: floats(backend, mean), variance: floats(backend, variance) };
      const { output } = backend.batchNorm(
        floats(backend, x, shape),
        { scale: floats(backend, scale), shift: floats(backend, shift) },
        running,
        { epsilon: 1e-5 },
      );
      const exact = referenceBatchNorm(x, scale, shift, { mean, variance }, 1e-5, "none");
      const off = offOf(x, 1, columns, scale, shift, variance);
      const values = await readAs(output, "float32", shape, "batchNorm");
      expectClose(values, exact.output, off, shape, "batchNorm by running averages");
      expectSameBits(await running.mean.read(), mean, "batchNorm, mean that stays");
      expectSameBits(await running.variance.read(), variance, "batchNorm, variance that stays");
    }
  }),
  optionCase(
    ["batchNormGradients"],
    "batchNormGradients: of rows, scale and shift",
    async (backend, settings) => {
      for (const [rows, columns] of SHAPES) {
        const x = makeRows(rows, columns);
        const scale = normals(columns, 252);
        const gradient = normals(rows * columns, 256);
        const shape = [rows, columns];
        const into = { scale: written(backend, [columns]), shift: written(backend, [columns]) };
        const found = backend.batchNormGradients(
          floats(backend, x, shape),
          floats(backend, scale),
          floats(backend, gradient, shape),
          into,
          1e-5,
        );
        const exact = referenceBatchNormGradients(x, scale, gradient, 1e-5);
        const { variance } = referenceBatchStatistics(x, columns);
        const name = "batchNormGradients";
        const ofShift = new Float64Array(columns);
        gradient.forEach((g, i) => (ofShift[i % columns]! += Math.abs(g)));
        // What is normalized is off by what 1 / √(variance + epsilon) makes of a row's own rounding.
        const stretch = Float64Array.from(variance, (value) => 1 / Math.sqrt(value + 1e-5));
        const ofScale = ofShift.map((sum, j) => sum * (6 + 6 * stretch[j]!));
        const size = Float64Array.from(gradient, (g, i) => {
          const j = i % columns;
          const mean = (ofShift[j]! / rows) * (1 + 6 * (6 + 6 * stretch[j]!));
          return stretch[j]! * Math.abs(scale[j]!) * (Math.abs(g) + mean);
        });
        await expectSums(
          into.shift,
          exact.shift,
          rows,
          ofShift,
          [columns],
          `${name}, shift`,
          settings,
        );
        const terms = 4 * (rows + 16);
        await expectSums(
          into.scale,
          exact.scale,
          terms,
          ofScale,
          [columns],
          `${name}, scale`,
          settings,
        );
        await expectSums(found, exact.x, terms, size, shape, `${name}, rows`, settings);
      }
    },
  ),
  optionCase(
    ["batchNorm", "batchNormGradients"],
    "batchNorm: refuses what does not fit",
    async (backend) => {
      const x = floats(backend, new Float32Array(6), [2, 3]);
      const three = backend.zeros([3], "float32");
      const two = backend.zeros([2], "float32");
      const norm = { scale: three, shift: three };
      const running = { mean: three, variance: three };
      const one = backend.slice(x, 0, 1);
      const options = { epsilon: 1e-5, momentum: 0.1 };
      const wrong = { mean: three, variance: two };
      expectRefused(backend, [
        [
          "batchNorm of one row",
          () => backend.batchNorm(one, norm, running, options),
          [ShapeError],
        ],
        [
          "batchNorm, variance of 2",
          () => backend.batchNorm(x, norm, wrong, options),
          [ShapeError],
        ],
        [
          "batchNorm, momentum 2",
          () => backend.batchNorm(x, norm, running, { ...options, momentum: 2 }),
          [ArgumentError],
        ],
        [
          "batchNormGradients of one row",
          () => backend.batchNormGradients(one, three, one, norm, 1e-5),
          [ShapeError],
        ],
      ]);
    },
  ),
];
