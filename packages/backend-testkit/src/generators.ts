import { Random, type Matrix } from "@tessera/core";

export interface GeneratorOptions {
  /** Names the random stream: the same seed gives the same values everywhere. Default: 0. */
  readonly seed?: number | undefined;
}

export interface GaussianOptions extends GeneratorOptions {
  /** Mean of every value. Default: 0. */
  readonly mean?: number | undefined;
  /** Standard deviation of every value. Default: 1. */
  readonly spread?: number | undefined;
}

/** Independent normal values, `[rows, cols]`. */
export function gaussianMatrix(rows: number, cols: number, options: GaussianOptions = {}): Matrix {
  const { seed = 0, mean = 0, spread = 1 } = options;
  const random = new Random(seed).stream("gaussian");
  return fill(rows, cols, () => mean + spread * random.normal());
}

export interface ClusteredOptions extends GaussianOptions {
  /** Number of cluster centres. Default: 16. */
  readonly clusters?: number | undefined;
  /** Standard deviation of the rows about their centre; the centres have deviation 1. Default: 0.1. */
  readonly spread?: number | undefined;
}

/** Rows about cluster centres that are themselves normal, `[rows, cols]`: data that k-means can learn something of. */
export function clusteredMatrix(
  rows: number,
  cols: number,
  options: ClusteredOptions = {},
): Matrix {
  const { seed = 0, mean = 0, spread = 0.1, clusters = 16 } = options;
  const random = new Random(seed);
  const centres = gaussianMatrix(clusters, cols, { seed, mean }).data;
  const choice = random.stream("cluster");
  const noise = random.stream("noise");
  let centre = 0;
  return fill(rows, cols, (column) => {
    if (column === 0) centre = choice.integer(clusters);
    return centres[centre * cols + column]! + spread * noise.normal();
  });
}

export interface IntegerOptions extends GeneratorOptions {
  /** Values are integers of −bound..bound. Default: 3. */
  readonly bound?: number | undefined;
}

/** Small integers, `[rows, cols]`. float32 sums of their products are exact, and ties among distances are plenty. */
export function integerMatrix(rows: number, cols: number, options: IntegerOptions = {}): Matrix {
  const { seed = 0, bound = 3 } = options;
  const random = new Random(seed).stream("integers");
  return fill(rows, cols, () => random.integer(2 * bound + 1) - bound);
}

/** Uniform codes of 0..codebookSize−1, row-major `[rows, groups]`; also the indices of `take` and the parents of a beam. */
export function randomCodes(
  rows: number,
  groups: number,
  codebookSize: number,
  options: GeneratorOptions = {},
): Int32Array {
  const random = new Random(options.seed ?? 0).stream("codes");
  return Int32Array.from({ length: rows * groups }, () => random.integer(codebookSize));
}

function fill(rows: number, cols: number, next: (column: number) => number): Matrix {
  const data = new Float32Array(rows * cols);
  for (let i = 0; i < data.length; i++) data[i] = next(i % cols);
  return { data, rows, cols };
}
