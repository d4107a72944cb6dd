import { CodeRangeError } from "@tessera/core";
import { honest, kernels, nextFloat, type Mutant } from "./mutant.js";

/** Defects of the other kernels. */
export const kernelMutants: readonly Mutant[] = [
  kernels("codewords of group 0 alone", "gather", {
    gather: (books, codes, shape) =>
      honest.gather(books, codes, shape).map((_, i, all) => {
        const width = shape.groups * shape.dimension;
        return all[i - (i % width) + (i % shape.dimension)]!;
      }),
  }),
  kernels("added, not subtracted", "residual: row minus", {
    residual: (x, ...rest) => honest.residual(x, ...rest).map((value, i) => 2 * x[i]! - value),
  }),
  kernels("parents are ignored", "residual: parents", {
    residual: (x, books, codes, shape) =>
      honest.residual(
        Float32Array.from({ length: codes.length * shape.dimension }, (_, i) => x[i] ?? 0),
        books,
        codes,
        shape,
      ),
  }),
  kernels("the last row is dropped", "clusterSums: sums and counts", {
    clusterSums: (x, codes, shape, weights) =>
      honest.clusterSums(
        x.slice(0, -shape.groups * shape.dimension),
        codes.slice(0, -shape.groups),
        shape,
        weights,
      ),
  }),
  kernels("weights are ignored", "clusterSums: sums and counts", {
    clusterSums: (x, codes, shape) => honest.clusterSums(x, codes, shape),
  }),
  kernels("sums in float32, one row after another", "clusterSums: keeps its accuracy", {
    clusterSums: (x, codes, shape, weights) => {
      const exact = honest.clusterSums(x, codes, shape, weights);
      const sums = new Float32Array(exact.sums.length);
      codes.forEach((code, s) => {
        const cluster = (s % shape.groups) * shape.codebookSize + code;
        const weight = weights?.[Math.floor(s / shape.groups)] ?? 1;
        for (let i = 0; i < shape.dimension; i++) {
          sums[cluster * shape.dimension + i]! += weight * x[s * shape.dimension + i]!;
        }
      });
      return { ...exact, sums: float32(sums) };
    },
  }),
  kernels("an empty cluster keeps what was there", "clusterSums: codewords without", {
    clusterSums: (...args) => {
      const { sums, counts } = honest.clusterSums(...args);
      return { sums, counts: counts.map((count) => Math.max(count, 1)) };
    },
  }),
  kernels("relu is left out", "matmul", {
    matmul: (a, b, shape, options) =>
      honest.matmul(a, b, shape, { ...options, activation: "none" }),
  }),
  kernels("bias is added after relu", "matmul", {
    matmul: (a, b, shape, { bias, ...options } = {}) =>
      honest.matmul(a, b, shape, options).map((value, i) => value + (bias?.[i % shape.cols] ?? 0)),
  }),
  kernels("a transpose is ignored", "matmul", {
    matmul: (a, b, shape, options) => honest.matmul(a, b, shape, { ...options, transposeB: false }),
  }),
  kernels("products in half precision", "matmul", {
    matmul: (a, b, shape, options) =>
      honest.matmul(
        a.map((value) => Number(value.toPrecision(4))),
        b,
        shape,
        options,
      ),
  }),
  kernels("alpha and beta exchanged", "combine: alpha", {
    combine: (a, b, alpha, beta) => honest.combine(a, b, beta, alpha),
  }),
  kernels("rows of one column are off by one", "take: rows", {
    take: (x, indices, cols) => honest.take(x, indices, cols).map((value) => value + 1),
  }),
  kernels("codes are clamped to the range", "faults: the first code out of range", {
    gather: (books, codes, shape) =>
      honest.gather(
        books,
        codes.map((code) => Math.min(Math.max(code, 0), shape.codebookSize - 1)),
        shape,
      ),
  }),
  kernels("the wrong column is named", "faults: the first code out of range", {
    gather: (books, codes, shape) => {
      const bad = codes.findIndex((code) => code < 0 || code >= shape.codebookSize);
      if (bad >= 0) throw new CodeRangeError(bad, 0, codes[bad]!, shape.codebookSize);
      return honest.gather(books, codes, shape);
    },
  }),
  kernels("indices are clamped to the rows", "faults: an index", {
    take: (x, indices, cols) =>
      honest.take(
        x,
        indices.map((index) => Math.min(Math.max(index, 0), x.length / cols - 1)),
        cols,
      ),
  }),
  kernels(
    "the last partial tile rounds otherwise",
    "invariance: a row's result does not depend on how",
    {
      assign: (x, books, shape, metric) => {
        const { codes, distances } = honest.assign(x, books, shape, metric);
        const whole = distances.length - (distances.length % 4);
        return {
          codes,
          distances: distances.map((value, i) => (i < whole ? value : nextFloat(value))),
        };
      },
    },
  ),
  kernels(
    "a row's scale is taken from its neighbours",
    "invariance: a row's result does not depend on the rows around",
    {
      matmul: (a, b, shape, options) =>
        honest
          .matmul(a, b, shape, options)
          .map((value, i) => (i % 64 < 32 ? value : nextFloat(value))),
    },
  ),
  unsteady(),
];

/** Adds up what was called before, as a reduction in arrival order would. */
export function unsteady(): Mutant {
  let calls = 0;
  return kernels("no two runs are alike", "invariance: two runs", {
    matmul: (...args) => honest.matmul(...args).map((value) => value * (1 + 2 ** -20 * calls++)),
  });
}

function float32(values: ArrayLike<number>): Float64Array {
  return Float64Array.from(values, (value) => Math.fround(value));
}
