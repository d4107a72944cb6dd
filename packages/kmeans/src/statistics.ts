import { ArgumentError, ShapeError, type Matrix } from "@tessera/core";

/**
 * What one assignment of rows to codewords leaves behind: all that a step of k-means needs of the rows, and nothing that
 * grows with their number. Statistics of disjoint sets of rows add up, so rows may live on many machines.
 */
export interface KmeansStatistics {
  readonly codebookSize: number;
  /** Dimension of a codeword. */
  readonly cols: number;
  /** Weighted sum of the rows of each codeword, `[codebookSize, cols]`. */
  readonly sums: Float64Array;
  /** Total weight of the rows of each codeword, `[codebookSize]`; the number of rows if they have no weights. */
  readonly counts: Float64Array;
  /** Σ weight · distance to the chosen codeword: the squared L2 distance, or −x·c under `ip`. */
  readonly objective: number;
  /** Rows counted. */
  readonly rows: number;
  /** Their total weight. */
  readonly weight: number;
}

/** Statistics of no rows. */
export function emptyStatistics(codebookSize: number, cols: number): KmeansStatistics {
  return {
    codebookSize,
    cols,
    sums: new Float64Array(codebookSize * cols),
    counts: new Float64Array(codebookSize),
    objective: 0,
    rows: 0,
    weight: 0,
  };
}

/**
 * The statistics of the rows of `a` and `b` together.
 *
 * @throws {ShapeError} if they belong to codebooks of different shapes
 */
export function mergeStatistics(a: KmeansStatistics, b: KmeansStatistics): KmeansStatistics {
  return reduceStatistics([a, b]);
}

/**
 * The statistics of all shards together, added in the order given.
 *
 * Sums are float64, of block sums that are float32. Shards that are consecutive blocks of {@link blockRows} rows, in
 * order, give the bits that {@link kmeansStep} gives for all the rows at once.
 *
 * @throws {ArgumentError} if there are no shards
 * @throws {ShapeError} naming the first shard that belongs to a codebook of another shape
 */
export function reduceStatistics(shards: readonly KmeansStatistics[]): KmeansStatistics {
  const first = shards[0];
  if (first === undefined) {
    throw new ArgumentError("there are no statistics to reduce", { hint: "pass at least one" });
  }
  const { codebookSize, cols } = first;
  const total = emptyStatistics(codebookSize, cols);
  let { objective, rows, weight } = total;
  shards.forEach((shard, index) => {
    if (shard.codebookSize !== codebookSize || shard.cols !== cols) {
      throw new ShapeError(
        `statistics ${index} belong to a codebook [${shard.codebookSize}, ${shard.cols}], statistics 0 to one of [${codebookSize}, ${cols}]`,
      );
    }
    addInto(total.sums, shard.sums);
    addInto(total.counts, shard.counts);
    objective += shard.objective;
    rows += shard.rows;
    weight += shard.weight;
  });
  return { ...total, objective, rows, weight };
}

/** Options of {@link updateCentroids}. */
export interface UpdateOptions {
  /** Scale every codeword to unit norm. Default false. */
  readonly spherical?: boolean | undefined;
}

/**
 * The codebook that minimises the objective for the assignment that the statistics describe: each codeword becomes the
 * weighted mean of its rows (Lloyd 1982), or under `spherical` their direction (Dhillon and Modha 2001).
 *
 * A codeword without rows, or whose direction is undefined because its rows sum to zero, stays what it was.
 *
 * @param previous the codebook that the rows were assigned to
 * @throws {ShapeError} if statistics and codebook differ in shape
 * @throws {ArgumentError} if a sum overflowed float32, which takes huge weights
 */
export function updateCentroids(
  statistics: KmeansStatistics,
  previous: Matrix,
  options: UpdateOptions = {},
): Matrix {
  const { codebookSize, cols, sums, counts } = statistics;
  if (previous.rows !== codebookSize || previous.cols !== cols) {
    throw new ShapeError(
      `statistics of a codebook [${codebookSize}, ${cols}] cannot update one of [${previous.rows}, ${previous.cols}]`,
    );
  }
  const data = previous.data.slice();
  for (let j = 0; j < codebookSize; j++) {
    const count = counts[j]!;
    if (count === 0) continue;
    const sum = sums.subarray(j * cols, (j + 1) * cols);
    const divisor = options.spherical ? norm(sum) : count;
    if (divisor === 0) continue;
    for (let i = 0; i < cols; i++) {
      const value = sum[i]! / divisor;
      if (!Number.isFinite(value)) {
        throw new ArgumentError(`the weighted sum of codeword ${j} overflows float32`, {
          hint: "scale the weights down",
        });
      }
      data[j * cols + i] = value;
    }
  }
  return { data, rows: codebookSize, cols };
}

/** Adds block sums, element by element. */
export function addInto(total: Float64Array, part: ArrayLike<number>): void {
  for (let i = 0; i < total.length; i++) total[i]! += part[i]!;
}

/** The Euclidean norm, in float64: no square of a float32 overflows it. */
export function norm(vector: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!;
  return Math.sqrt(sum);
}

/**
 * Scales each row to unit norm, in place. A zero row has no direction and becomes the first axis, so that codewords are
 * of unit norm without exception.
 */
export function normalizeRows({ data, rows, cols }: Matrix): void {
  for (let j = 0; j < rows; j++) {
    const row = data.subarray(j * cols, (j + 1) * cols);
    const length = norm(row);
    if (length === 0) row[0] = 1;
    else for (let i = 0; i < cols; i++) row[i]! /= length;
  }
}
