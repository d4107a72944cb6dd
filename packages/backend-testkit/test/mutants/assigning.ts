import { NonFiniteError } from "@tessera/core";
import { assignments, honest, inputs, kernels, nextFloat, type Mutant } from "./mutant.js";

/** Each vector rounded to 255 levels of its own, as screening does. */
function wholeNumbers(data: Float32Array, width: number): Float32Array {
  const rounded = data.slice();
  for (let start = 0; start < data.length; start += width) {
    const vector = data.subarray(start, start + width);
    const step = Math.fround(vector.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127);
    if (!(step > 0 && step < Infinity)) continue;
    vector.forEach((value, i) => {
      rounded[start + i] = Math.round(value / step) * step;
    });
  }
  return rounded;
}

/** Defects of the kernels that assign. */
export const assigningMutants: readonly Mutant[] = [
  assignments(
    "ties go to the highest index",
    "assign: exact ties",
    (_found, x, books, shape, count, metric) => {
      const { groups, codebookSize, dimension } = shape;
      const backwards = books.slice();
      for (let j = 0; j < groups * codebookSize; j++) {
        const base = j - (j % codebookSize);
        const from = (base + codebookSize - 1 - (j % codebookSize)) * dimension;
        backwards.set(books.subarray(from, from + dimension), j * dimension);
      }
      const found = honest.assignTopK(x, backwards, shape, count, metric);
      return { ...found, codes: found.codes.map((code) => codebookSize - 1 - code) };
    },
  ),
  assignments(
    "the second of two equal codewords",
    "assign: equal codewords",
    (found, _x, books, { codebookSize, dimension }) => {
      const word = (code: number) => books.subarray(code * dimension, (code + 1) * dimension);
      const codes = found.codes.map((code) => {
        for (let j = codebookSize - 1; j > code; j--) {
          if (word(code).every((value, i) => value === word(j)[i])) return j;
        }
        return code;
      });
      return { ...found, codes };
    },
  ),
  assignments("codes off by one", "assign: codes and distances by l2", (found, _x, _b, shape) => ({
    ...found,
    codes: found.codes.map((code) => Math.min(code + 1, shape.codebookSize - 1)),
  })),
  assignments("the metric is ignored", "assign: codes and distances by ip", (_found, ...args) =>
    honest.assignTopK(args[0], args[1], args[2], args[3]),
  ),
  assignments(
    "distances by expanding the square",
    "assign: keeps its accuracy",
    (found, x, books, { groups, codebookSize, dimension }) => {
      const distances = found.distances.map((_, s) => {
        const codeword = ((s % groups) * codebookSize + found.codes[s]!) * dimension;
        let sum = 0;
        for (let i = 0; i < dimension; i++) {
          const [a, b] = [x[s * dimension + i]!, books[codeword + i]!];
          for (const term of [a * a, b * b, -2 * a * b]) sum = Math.fround(sum + term);
        }
        return sum;
      });
      return { ...found, distances };
    },
  ),
  assignments(
    "a column of zeros pads the codebook and may win",
    "assign: values whose squares",
    (found, _x, _b, { codebookSize }, _count, metric) => ({
      ...found,
      codes: found.codes.map((code, i) =>
        metric === "ip" && found.distances[i]! > 0 ? codebookSize - 1 : code,
      ),
    }),
  ),
  assignments("a start value that is not infinite", "assign: values whose squares", (found) => ({
    codes: found.codes.map((code, i) => (found.distances[i]! > 1e30 ? 0 : code)),
    distances: found.distances,
  })),
  assignments("no tie at all for equal rows", "assign: equal rows", (found) => ({
    codes: found.codes,
    distances: found.distances.map((value, i) => (i % 4 === 3 ? nextFloat(value) : value)),
  })),
  inputs("half precision", "assign: codes and distances by l2", (data) =>
    data.map((value) => (Number.isFinite(value) ? Number(value.toPrecision(3)) : value)),
  ),
  inputs(
    "rows and codewords in whole numbers, and no second look",
    "assign: many rows",
    (data, width) => wholeNumbers(data, width),
  ),
  assignments(
    "where there are many rows, a tie goes to whichever comes to hand",
    "invariance: many rows",
    (found, x, _books, { groups, dimension }) => ({
      ...found,
      codes: found.codes.map((code, i) =>
        x.length > 500 * groups * dimension && found.distances[i] === found.distances[0]
          ? Math.max(0, code - 1)
          : code,
      ),
    }),
  ),
  inputs("small values become zero", "assign: magnitudes", (data) =>
    data.map((value) => (Math.abs(value) < 1e-12 ? 0 : value)),
  ),
  inputs("one scale for all rows", "assign: rows and codewords of mixed scales", (data) =>
    data.map((value) => (Math.abs(value) < 1e-2 ? 0 : value)),
  ),
  inputs("silent NaN", "faults: a row that is not finite", (data) =>
    data.map((value) => (Number.isFinite(Math.fround(value * value)) ? value : 0)),
  ),
  inputs("a codebook is not checked", "faults: a codebook", (data, width) =>
    width === 5 && data.length === 37 * 5 ? data.map((v) => (v * v < 1e38 ? v : 0)) : data,
  ),
  kernels("the row of an error is off by one", "faults: a row that is not finite", {
    assign: (...args) => {
      try {
        return honest.assign(...args);
      } catch (error) {
        throw error instanceof NonFiniteError ? error.shifted(1) : error;
      }
    },
  }),
  kernels("the last bad row is named, not the first", "faults: of several", {
    assign: (x, books, shape, metric) => {
      const width = shape.groups * shape.dimension;
      const last = Math.floor(x.findLastIndex((value) => !Number.isFinite(value)) / width);
      if (last >= 0) throw new NonFiniteError(last);
      return honest.assign(x, books, shape, metric);
    },
  }),
  kernels("the last rows of a long matrix are not checked", "faults: a bad row in a long", {
    assign: (x, books, shape, metric) =>
      honest.assign(
        x.map((value, i) => (i > 400 && !Number.isFinite(value) ? 0 : value)),
        books,
        shape,
        metric,
      ),
  }),
  kernels("the last two places are exchanged", "assignTopK: choice and order", {
    assignTopK: (...args) => {
      const { codes, distances } = honest.assignTopK(...args);
      const count = args[3];
      if (count > 1) {
        for (let end = count; end <= codes.length; end += count) {
          codes.subarray(end - 2, end).reverse();
          distances.subarray(end - 2, end).reverse();
        }
      }
      return { codes, distances };
    },
  }),
  kernels("equal distances in the order of the highest index", "assignTopK: exact ties", {
    assignTopK: (...args) => {
      const { codes, distances } = honest.assignTopK(...args);
      for (let i = 1; i < codes.length; i++) {
        if (i % args[3] > 0 && distances[i] === distances[i - 1] && codes[i - 1]! < codes[i]!) {
          codes.subarray(i - 1, i + 1).reverse();
        }
      }
      return { codes, distances };
    },
  }),
  kernels("equal codewords are listed twice", "assignTopK: equal codewords", {
    assignTopK: (...args) => {
      const { codes, distances } = honest.assignTopK(...args);
      for (let i = 1; i < codes.length; i++) {
        if (distances[i] === distances[i - 1]) codes[i] = codes[i - 1]!;
      }
      return { codes, distances };
    },
  }),
  kernels("a long list has other distances than a short one", "assignTopK: a shorter list", {
    assignTopK: (...args) => {
      const { codes, distances } = honest.assignTopK(...args);
      return { codes, distances: args[3] > 8 ? distances.map(nextFloat) : distances };
    },
  }),
];
