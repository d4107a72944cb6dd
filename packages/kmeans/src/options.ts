import {
  ArgumentError,
  checkFinite,
  checkMatrix,
  isMatrix,
  MAX_CARDINALITY,
  ShapeError,
  type ComputeBackend,
  type Matrix,
  type OnProgress,
  type Rows,
  type WorkOptions,
} from "@tessera/core";

export type KmeansMetric = "l2" | "ip";

/**
 * How the first codebook is chosen.
 *
 * - `k-means++`: Arthur and Vassilvitskii (2007), the greedy variant: of 2 + ⌊ln k⌋ candidates drawn by D² weighting, the
 *   one that lowers the objective most.
 * - `random`: distinct rows. Costs nothing; the choice for codebooks of many thousands of codewords.
 * - `lbg`: splitting (Linde, Buzo and Gray 1980), from one codeword up to any codebook size. The better choice where rows
 *   form no clear clusters, as residuals do: D² weighting then falls for outliers.
 * - `progressive`: k-means on the leading principal directions first and then on more and more of them, each time from the
 *   codewords before (faiss' `ProgressiveDimClustering`).
 */
export type KmeansInit = "k-means++" | "random" | "lbg" | "progressive";

export interface KmeansOptions extends WorkOptions {
  /** Number of codewords k, 1 to 2²⁴; at most the number of rows. */
  readonly codebookSize: number;
  /** What computes. Default: `defaultBackend()` of `@tessera/backend`. */
  readonly backend?: ComputeBackend | undefined;
  /** Seed of every random choice, an integer from 0. Default 0. */
  readonly seed?: number | undefined;
  /** Updates of the codebook at most; with `miniBatch`, passes over the rows. 0 keeps the start. Default 25. */
  readonly iterations?: number | undefined;
  /** Independent runs, of which the one with the lowest final objective is kept. Default 1. */
  readonly restarts?: number | undefined;
  /** The start: how to choose it, or the codebook itself `[codebookSize, cols]`. Default `k-means++`. */
  readonly init?: KmeansInit | Matrix | undefined;
  /** Rows, drawn at random, that the start is chosen from. Default max(64 · codebookSize, 16384). */
  readonly initRows?: number | undefined;
  /**
   * Stop when an iteration lowers the objective by no more than this share of it. 0 stops only when the codebook repeats.
   * Default 1e-4: on 100,000 word vectors that ends after 19 of the 94 iterations to the end, 0.15 % above it.
   */
  readonly tolerance?: number | undefined;
  /** Weight of each row, finite and not negative. The objective is the weighted one throughout. Default 1 each. */
  readonly weights?: Float32Array | undefined;
  /**
   * Codewords of unit norm, as cosine similarity wants. Rows are taken as they are, so a long row counts for more;
   * normalise them first if only their direction matters. Default false.
   */
  readonly spherical?: boolean | undefined;
  /**
   * What nearest means: least squared L2 distance, or largest inner product. Default `ip` under `spherical`, else `l2`.
   *
   * Under `ip` without `spherical` a codeword is still the mean of its rows, which does not maximise their inner
   * products: the objective may rise.
   */
  readonly metric?: KmeansMetric | undefined;
  /**
   * Fit to this many rows, drawn at random and held in memory. Default: all rows. On 100,000 word vectors with 256
   * codewords, 256 rows a codeword (faiss's default) end 0.3 % above all rows, 64 end 2.7 % above.
   */
  readonly sample?: number | undefined;
  /**
   * Mini-batch k-means (Sculley 2010) with batches of this many rows and a learning rate of 1/rows seen per codeword.
   * Default: full passes (Lloyd).
   */
  readonly miniBatch?: number | undefined;
}

export interface KmeansResult {
  /** `[codebookSize, cols]` */
  readonly codebook: Matrix;
  /**
   * Σ weight · distance of the rows to their codewords in `codebook`: squared L2 distance, or −x·c under `ip`. Of a
   * stream that can be read only once: to the codewords as they were when the row went by.
   */
  readonly objective: number;
  /** `objective` divided by the total weight. */
  readonly distortion: number;
  /** Total weight of the rows of each codeword; their number, if they have no weights. */
  readonly counts: Float64Array;
  /** The code of each row, if all rows were in memory and all were fitted to (no stream, no smaller `sample`). */
  readonly codes: Int32Array | undefined;
  /** Updates of the codebook; with `miniBatch`, passes. */
  readonly iterations: number;
  /**
   * The objective of the start and after each iteration, so `iterations + 1` values, the last of them `objective`. With
   * `miniBatch`, one value for each pass, measured as its batches went by, then `objective`.
   */
  readonly history: readonly number[];
  /** Why it ended: `tolerance` reached, `iterations` used up, or `converged`, when another iteration changes nothing. */
  readonly stopped: KmeansStop;
}

export type KmeansStop = "tolerance" | "iterations" | "converged";

/** Options with defaults in place and every value checked. */
export interface Settings {
  readonly codebookSize: number;
  readonly seed: number;
  readonly iterations: number;
  readonly restarts: number;
  readonly init: KmeansInit | Matrix;
  readonly initRows: number;
  readonly tolerance: number;
  readonly weights: Float32Array | undefined;
  readonly spherical: boolean;
  readonly metric: KmeansMetric;
  readonly sample: number | undefined;
  readonly miniBatch: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnProgress | undefined;
}

const INITS: readonly unknown[] = ["k-means++", "random", "lbg", "progressive"];

/** @throws {ArgumentError | ShapeError | NonFiniteError} naming the option and its value */
export function resolveSettings(options: KmeansOptions): Settings {
  const { codebookSize, weights, sample, miniBatch } = options;
  checkInteger("codebookSize", codebookSize, 1, MAX_CARDINALITY);
  const iterations = options.iterations ?? 25;
  checkInteger("iterations", iterations, 0);
  const restarts = options.restarts ?? 1;
  checkInteger("restarts", restarts, 1);
  const initRows = options.initRows ?? Math.max(64 * codebookSize, 16_384);
  checkInteger("initRows", initRows, codebookSize);
  if (sample !== undefined) checkInteger("sample", sample, codebookSize);
  if (miniBatch !== undefined) checkInteger("miniBatch", miniBatch, 1);
  const tolerance = options.tolerance ?? 1e-4;
  if (!(tolerance >= 0 && tolerance < Infinity)) {
    throw new ArgumentError(`tolerance is ${tolerance}; it must be a number from 0`);
  }
  const spherical = options.spherical ?? false;
  const metric = options.metric ?? (spherical ? "ip" : "l2");
  checkMetric(metric);
  const init = options.init ?? "k-means++";
  if (typeof init === "object") {
    checkCodebook(init, "init");
    if (init.rows !== codebookSize) {
      throw new ShapeError(`init has ${init.rows} codewords but codebookSize is ${codebookSize}`);
    }
    if (restarts > 1) {
      throw new ArgumentError(
        `restarts is ${restarts}, but every run from a given start is the same`,
        {
          hint: "leave out restarts, or choose the start by name",
        },
      );
    }
  } else if (!INITS.includes(init)) {
    throw new ArgumentError(
      `init is "${String(init)}"; it must be ${INITS.join(", ")} or a matrix`,
    );
  }
  if (weights !== undefined) checkWeights(weights);
  return {
    codebookSize,
    seed: options.seed ?? 0,
    iterations,
    restarts,
    init,
    initRows,
    tolerance,
    weights,
    spherical,
    metric,
    sample,
    miniBatch,
    signal: options.signal,
    onProgress: options.onProgress,
  };
}

/** @throws {ArgumentError} unless the metric is known */
export function checkMetric(metric: unknown): void {
  if (metric !== "l2" && metric !== "ip") {
    throw new ArgumentError(`metric is "${String(metric)}"; it must be l2 or ip`);
  }
}

/** @throws {ShapeError | NonFiniteError} unless the codebook has its shape, a codeword at least, and finite values */
export function checkCodebook(codebook: Matrix, what: string): void {
  checkMatrix(codebook, what);
  if (codebook.rows === 0) throw new ShapeError(`${what} has no codewords`);
  checkFinite(codebook, what);
}

/** @throws {ArgumentError} naming the first row whose weight is negative or not finite */
export function checkWeights(weights: Float32Array): void {
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i]!;
    if (!(weight >= 0 && weight < Infinity)) {
      throw new ArgumentError(
        `weight of row ${i} is ${weight}; weights must be finite and not negative`,
      );
    }
  }
}

/** @throws {ArgumentError} if no row has weight */
export function checkSomeWeight(weights: Float32Array | undefined): void {
  if (weights !== undefined && weights.length > 0 && !weights.some((weight) => weight > 0)) {
    throw new ArgumentError("all weights are 0", { hint: "give at least one row a weight" });
  }
}

/** @throws {ArgumentError} naming both numbers */
export function checkEnoughRows(codebookSize: number, rows: number): void {
  if (rows < codebookSize) {
    throw new ArgumentError(
      `codebookSize ${codebookSize} needs at least ${codebookSize} rows; there are ${rows}`,
      { hint: "choose a smaller codebookSize, or pass more rows" },
    );
  }
}

/** @throws {ShapeError} if there is not one weight for each row */
export function checkWeightCount(weights: Float32Array | undefined, rows: number): void {
  if (weights !== undefined && weights.length !== rows) {
    throw new ShapeError(`there are ${weights.length} weights for ${rows} rows`);
  }
}

/** Whether the rows can be read again: a matrix, or an iterable that starts anew. */
export function isReplayable(rows: Rows): boolean {
  return isMatrix(rows) || (rows[Symbol.asyncIterator]() as unknown) !== rows;
}

function checkInteger(name: string, value: number, least: number, most = 2 ** 53 - 1): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most < 2 ** 53 - 1 ? `from ${least} to ${most}` : `from ${least}`;
  throw new ArgumentError(`${name} is ${value}; it must be an integer ${range}`);
}
