import { sumTolerance, tieTolerance, type TrainingBackend } from "@tessera/core";
import { clusteredMatrix, gaussianMatrix, integerMatrix } from "../../generators.js";
import { referenceAssign, referenceDistance } from "../../reference/assign.js";
import { referenceResidual } from "../../reference/codebooks.js";
import { referenceQuantizeLevels } from "../../reference/training/quantize.js";
import { expectClose, expectExact, expectThat, readAs } from "../assertions.js";
import type { CaseDefinition, Settings } from "../case.js";
import { expectNonFinite } from "../faults.js";
import { floats } from "../problems.js";
import { trainingCase, written } from "./problem.js";

interface Problem {
  readonly rows: number;
  readonly groups: number;
  readonly dimension: number;
  readonly sizes: readonly number[];
  readonly z: Float32Array;
  readonly codebooks: Float32Array;
}

/** Rows, groups, dimension, codewords of each level. */
const SHAPES: readonly (readonly [number, number, number, readonly number[]])[] = [
  [0, 1, 2, [3, 2]],
  [1, 1, 1, [1]],
  [33, 1, 5, [300]],
  [64, 1, 32, [256, 256, 256]],
  [67, 3, 7, [13, 1, 40]],
  [131, 2, 4, [17, 17]],
  [1003, 1, 9, [33, 17, 9, 5]],
  [29, 31, 1, [3, 3]],
  [257, 1, 64, [257]],
];

function makeProblem(
  [rows, groups, dimension, sizes]: (typeof SHAPES)[number],
  integers = false,
): Problem {
  const width = groups * dimension;
  const z = integers
    ? integerMatrix(rows, width, { seed: 191, bound: 6 }).data
    : clusteredMatrix(rows, width, { seed: 191, spread: 0.5 }).data;
  const books = sizes.map((size, l) =>
    integers
      ? integerMatrix(size, width, { seed: 192 + l, bound: 3 }).data
      : gaussianMatrix(size, width, { seed: 192 + l, spread: 0.6 ** l }).data,
  );
  return { rows, groups, dimension, sizes, z, codebooks: joined(books) };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  return Float32Array.from(parts.flatMap((values) => [...values]));
}

/** Codes are those of the reference, or as near as ties may be decided, each for the residual of those before it. */
function checkCodes({ rows, groups, dimension, sizes, z, codebooks }: Problem, codes: Int32Array) {
  const slices = rows * groups;
  const width = groups * dimension;
  let left = z;
  let start = 0;
  sizes.forEach((codebookSize, l) => {
    const shape = { groups, codebookSize, dimension };
    const book = codebooks.subarray(start * width, (start + codebookSize) * width);
    const chosen = codes.slice(l * slices, (l + 1) * slices);
    const best = referenceAssign(left, book, shape);
    chosen.forEach((code, s) => {
      if (code === best.codes[s]) return;
      const base = (s % groups) * codebookSize;
      const at = (base + code) * dimension;
      const distance = referenceDistance(left, s * dimension, book, at, dimension, "l2");
      const norm = (values: Float32Array, from: number): number =>
        Math.hypot(...values.subarray(from, from + dimension));
      const longest = Math.max(norm(book, at), norm(book, (base + best.codes[s]!) * dimension));
      const allowed = tieTolerance(dimension, norm(left, s * dimension), longest);
      expectThat(
        distance - best.distances[s]! <= allowed,
        "quantizeLevels",
        `level ${l}, position ${s}: code ${code} is further than ${best.codes[s]}`,
      );
    });
    left = Float32Array.from(referenceResidual(left, book, chosen, shape));
    start += codebookSize;
  });
}

interface Expected {
  readonly distances: number[];
  readonly output: Float64Array;
  readonly pull: Float64Array;
  readonly pullSize: Float64Array;
  readonly sums: Float64Array;
  readonly sumSize: Float64Array;
  readonly counts: Float64Array;
}

const pullWeightsOf = (sizes: readonly number[]): number[] => sizes.map((_, l) => 0.25 + l);
const sumWeightsOf = (sizes: readonly number[]): number[] => sizes.map((_, l) => -2 / (l + 1));

/** What follows from the codes that a backend chose. */
function follow(problem: Problem, codes: Int32Array): Expected {
  const { rows, groups, dimension, sizes, z, codebooks } = problem;
  const width = groups * dimension;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const result = {
    distances: [] as number[],
    output: new Float64Array(z.length),
    pull: new Float64Array(z.length),
    pullSize: new Float64Array(z.length),
    sums: new Float64Array(codebooks.length),
    sumSize: new Float64Array(codebooks.length),
    counts: new Float64Array(groups * total),
  };
  let left = z;
  let start = 0;
  sizes.forEach((size, l) => {
    const rest = left.slice();
    for (let s = 0; s < rows * groups; s++) {
      const codeword = groups * start + (s % groups) * size + codes[l * rows * groups + s]!;
      result.counts[codeword]! += 1;
      let distance = 0;
      for (let i = 0; i < dimension; i++) {
        const at = s * dimension + i;
        const value = codebooks[codeword * dimension + i]!;
        rest[at] = left[at]! - value;
        distance += (left[at]! - value) ** 2;
        result.output[at]! += value;
        result.pull[at]! += pullWeightsOf(sizes)[l]! * rest[at]!;
        result.pullSize[at]! += pullWeightsOf(sizes)[l]! * Math.abs(rest[at]!);
        result.sums[codeword * dimension + i]! += sumWeightsOf(sizes)[l]! * rest[at]!;
        result.sumSize[codeword * dimension + i]! += 2 * Math.abs(rest[at]!);
      }
      result.distances.push(distance);
    }
    left = rest;
    start += size;
  });
  return { ...result, counts: result.counts, sums: result.sums.subarray(0, total * width) };
}

async function checkQuantize(
  backend: TrainingBackend,
  problem: Problem,
  exact: boolean,
  { smallest }: Settings,
): Promise<void> {
  const { rows, groups, dimension, sizes, z, codebooks } = problem;
  const width = groups * dimension;
  const sums = written(backend, [codebooks.length]);
  const found = backend.quantizeLevels(
    floats(backend, z, [rows, width]),
    floats(backend, codebooks),
    sizes,
    { groups, sums, pullWeights: pullWeightsOf(sizes), sumWeights: sumWeightsOf(sizes) },
  );
  const shape = [sizes.length, rows, groups];
  const name = `quantizeLevels, ${sizes.join(" + ")} codewords`;
  const codes = await readAs(found.codes, "int32", shape, name);
  if (exact) {
    const weights = { pullWeights: pullWeightsOf(sizes), sumWeights: sumWeightsOf(sizes) };
    const expected = referenceQuantizeLevels(z, codebooks, sizes, width, { groups, ...weights });
    expectExact(codes, expected.codes, shape, `${name}, codes of integers`);
  } else checkCodes(problem, codes);
  const expected = follow(problem, codes);
  const relative = (size: ArrayLike<number>, terms: number) => (i: number) =>
    sumTolerance(terms) * size[i]! + terms * smallest;
  const distances = await readAs(found.distances, "float32", shape, name);
  const ofRow = relative(expected.distances, dimension);
  expectClose(distances, expected.distances, ofRow, shape, `${name}, distances`);
  const output = await readAs(found.output, "float32", [rows, width], name);
  const near = (i: number): number =>
    sumTolerance(sizes.length) * (4 + Math.abs(expected.output[i]!) + Math.abs(z[i]!));
  expectClose(output, expected.output, near, [rows, width], `${name}, output`);
  const pull = await readAs(found.pull, "float32", [rows, width], name);
  const ofPull = relative(expected.pullSize, sizes.length);
  expectClose(pull, expected.pull, ofPull, [rows, width], `${name}, pull`);
  const counts = await readAs(found.counts, "float32", [expected.counts.length], name);
  expectExact(counts, expected.counts, [counts.length], `${name}, counts`);
  const bySum = relative(expected.sumSize, rows);
  const summed = await readAs(sums, "float32", [codebooks.length], name);
  expectClose(summed, expected.sums, bySum, [codebooks.length], `${name}, sums`);
}

export const quantizeCases: readonly CaseDefinition[] = [
  trainingCase("quantizeLevels: on every shape", async (backend, settings) => {
    for (const shape of SHAPES) {
      const work = shape[1] * shape[2] * shape[3].reduce((sum, size) => sum + size, 0);
      const rows = Math.min(shape[0], Math.max(1, Math.ceil((2e6 * settings.scale) / work)));
      const problem = makeProblem([rows, shape[1], shape[2], shape[3]]);
      await checkQuantize(backend, problem, false, settings);
    }
  }),
  trainingCase("quantizeLevels: exact ties go to the lowest code", async (backend, settings) => {
    for (const shape of [
      [61, 1, 2, [40, 40, 40]],
      [40, 3, 1, [9, 17]],
    ] as const) {
      await checkQuantize(backend, makeProblem(shape, true), true, settings);
    }
  }),
  trainingCase(
    "quantizeLevels: weights are 1 each, and sums none, if left out",
    async (backend) => {
      const { rows, dimension, sizes, z, codebooks } = makeProblem([21, 1, 3, [5, 4]], true);
      const rows2 = floats(backend, z, [rows, dimension]);
      const { pull } = backend.quantizeLevels(rows2, floats(backend, codebooks), sizes);
      const ones = { groups: 1, pullWeights: [1, 1], sumWeights: [1, 1] };
      const expected = referenceQuantizeLevels(z, codebooks, sizes, dimension, ones);
      expectExact(await pull.read(), expected.pull, [rows, dimension], "quantizeLevels, pull");
    },
  ),
  trainingCase(
    "quantizeLevels: rows that are not finite are named, also by what it wrote",
    async (b) => {
      const { rows, dimension, sizes, z, codebooks } = makeProblem([41, 1, 3, [5, 4]]);
      z[29 * 3 + 1] = NaN;
      z[33 * 3] = Infinity;
      const sums = written(b, [2 * codebooks.length]);
      const half = b.slice(sums, 0, codebooks.length);
      const books = floats(b, codebooks);
      const found = b.quantizeLevels(floats(b, z, [rows, dimension]), books, sizes, { sums: half });
      for (const [what, tensor] of Object.entries(found)) {
        await expectNonFinite(tensor, 29, `quantizeLevels, ${what}`);
      }
      await expectNonFinite(sums, 29, "quantizeLevels, sums, by their whole storage");
    },
  ),
];
