import type { CompleteBackend, Matrix, Tensor } from "@tessera/core";
import { clusteredMatrix, gaussianMatrix, randomCodes } from "../generators.js";
import type { CodebookShape } from "../reference/assign.js";
import type { Settings } from "./case.js";

/** Rows, groups, codewords and dimension of one trial. */
export interface ProblemShape extends CodebookShape {
  readonly rows: number;
}

/** `[rows, groups, codebookSize, dimension]`: primes, ones, and one more or less than any tile. */
const SHAPES: readonly (readonly [number, number, number, number])[] = [
  [0, 1, 3, 2],
  [0, 3, 7, 5],
  [1, 1, 1, 1],
  [1, 1, 257, 33],
  [1, 7, 3, 2],
  [2, 1, 2, 1],
  [3, 2, 1, 7],
  [7, 1, 31, 1],
  [7, 3, 7, 3],
  [13, 1, 8, 4],
  [16, 1, 16, 16],
  [31, 1, 33, 31],
  [33, 2, 31, 2],
  [64, 4, 64, 8],
  [97, 1, 9, 129],
  [129, 5, 13, 11],
  [257, 1, 129, 7],
  [257, 31, 3, 1],
  [31, 1, 1000, 33],
  [129, 1, 257, 64],
  [1000, 1, 31, 3],
  [1000, 2, 33, 17],
  [3, 1, 1000, 257],
  [1000, 1, 257, 129],
  // More codewords than a level-2 cache holds.
  [13, 1, 1300, 127],
  // Enough rows for every thread of an engine to have some.
  [20011, 1, 13, 7],
];

/** The shapes of the suite, with fewer rows where the work would exceed the scale. */
export function problemShapes({ scale }: Settings): ProblemShape[] {
  return SHAPES.map(([rows, groups, codebookSize, dimension]) => {
    const most = Math.ceil((2e6 * scale) / (groups * codebookSize * dimension));
    return { rows: Math.min(rows, Math.max(most, 1)), groups, codebookSize, dimension };
  });
}

export function showProblem({ rows, groups, codebookSize, dimension }: ProblemShape): string {
  return `${rows} rows, codebooks [${groups}, ${codebookSize}, ${dimension}]`;
}

/** Rows and codebooks on the host. */
export interface Problem extends ProblemShape {
  readonly x: Float32Array;
  readonly codebooks: Float32Array;
  readonly codes: Int32Array;
}

/** Rows about half the codewords, so that some codewords go unused, with normal codebooks and random codes. */
export function makeProblem(shape: ProblemShape, seed = 0): Problem {
  const { rows, groups, codebookSize, dimension } = shape;
  return {
    ...shape,
    x: clusteredMatrix(rows, groups * dimension, { seed, spread: 0.5 }).data,
    codebooks: gaussianMatrix(groups * codebookSize, dimension, { seed: seed + 1 }).data,
    codes: randomCodes(rows, groups, codebookSize, { seed: seed + 2 }),
  };
}

/** A problem's tensors. */
export interface ProblemTensors {
  readonly x: Tensor<"float32">;
  readonly codebooks: Tensor<"float32">;
  readonly codes: Tensor<"int32">;
}

export function upload(backend: CompleteBackend, problem: Problem): ProblemTensors {
  const { x, codebooks, codes, rows, groups, codebookSize, dimension } = problem;
  return {
    x: floats(backend, x, [rows, groups * dimension]),
    codebooks: floats(backend, codebooks, [groups, codebookSize, dimension]),
    codes: integers(backend, codes, [rows, groups]),
  };
}

export function floats(
  backend: CompleteBackend,
  data: Float32Array | readonly number[],
  shape?: readonly number[],
): Tensor<"float32"> {
  return backend.tensor(Float32Array.from(data), shape);
}

export function integers(
  backend: CompleteBackend,
  data: Int32Array | readonly number[],
  shape?: readonly number[],
): Tensor<"int32"> {
  return backend.tensor(Int32Array.from(data), shape);
}

export function matrixTensor(backend: CompleteBackend, m: Matrix): Tensor<"float32"> {
  return floats(backend, m.data, [m.rows, m.cols]);
}

/** Rows `start..end` of row-major data. */
export function rowsOf<A extends Float32Array | Int32Array>(
  data: A,
  width: number,
  start: number,
  end: number,
): A {
  return data.slice(start * width, end * width) as A;
}
