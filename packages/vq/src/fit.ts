import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  batchesOf,
  checkMatrix,
  checkReplayable,
  checkSpec,
  type CompleteBackend,
  type FitOptions,
  isMatrix,
  type Matrix,
  Random,
  type Rows,
  sampleRows,
  throwIfAborted,
  type VqSpec,
  withSampledRows,
} from "@tessera/core";
import { exchangeRefine, exchangeRowLimit, fitKmeans, type KmeansInit } from "@tessera/kmeans";
import { checkVqMetric, type VqFacts, VqModel } from "./model.js";
import { normalizedRows } from "./normalize.js";
import { holdFew } from "./hold.js";
import { type EmaFit, fitEma } from "./ema/fit.js";
import type { EmaOptions } from "./ema/options.js";

/** What {@link fitSpec} takes beyond the options that all parts share. `beam` has no meaning for one codebook. */
export interface VqTraining extends FitOptions, EmaOptions {
  /**
   * How the codebook is learned: by k-means and exchanges, or by exponential moving averages over batches ({@link
   * EmaCodebook}), as networks learn theirs. Default `kmeans`, which ends lower. The options of moving averages need `ema`.
   */
  readonly update?: "kmeans" | "ema" | undefined;
  /** Rows of a step of moving averages. Default 2048. */
  readonly batchSize?: number | undefined;
  /** How the codebook starts. Default `k-means++`. */
  readonly init?: KmeansInit | undefined;
  /**
   * Whether rows are moved one by one after one iteration of Lloyd's algorithm ({@link exchangeRefine}), under `l2`.
   * Default: yes, if there are at most 128 rows per codeword (and at most 2²⁶ values); with more there is no gain.
   */
  readonly exchange?: boolean | undefined;
}

export interface FitVqOptions extends Omit<VqTraining, "beam"> {
  /** Number of codewords K; at most the number of rows. */
  readonly codebookSize: number;
  /**
   * What nearest means: squared L2 distance, largest inner product, or largest cosine. Default `l2`.
   *
   * `cosine` learns unit-norm codewords from rows that it normalises (spherical k-means, Dhillon and Modha 2001); a
   * decoded row has norm 1.
   */
  readonly metric?: "l2" | "ip" | "cosine" | undefined;
}

/** Passes over the rows; exchanges end sooner by their own tolerance. */
const ITERATIONS = 25;
/** The means of the rows next to the start; exchanges do the rest faster than further iterations. */
const ITERATIONS_BEFORE_EXCHANGE = 1;
/** Rows per codeword that the start is chosen from before exchanges: they leave little of a start's luck. */
const INIT_ROWS_PER_CODEWORD = 4;

/**
 * Learns a codebook of K codewords.
 *
 * @param rows `[n, d]`, n ≥ `codebookSize`; a stream must be one that can be read again, unless `sample` is set
 * @throws {ArgumentError} for an option out of range, or fewer rows than codewords
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitVq(rows: Rows, options: FitVqOptions): Promise<VqModel> {
  const { codebookSize, metric = "l2", ...training } = options;
  checkVqMetric(metric);
  const spec = checkSpec({ kind: "vq", codebookSize, metric }) as VqSpec;
  return fitSpec(spec, rows, training);
}

/** {@link fitVq} for a checked spec. */
export async function fitSpec(spec: VqSpec, rows: Rows, options: VqTraining): Promise<VqModel> {
  const { sample, seed = 0, signal } = options;
  throwIfAborted(signal);
  if (isMatrix(rows)) checkMatrix(rows);
  if (sample === undefined) {
    checkReplayable(rows);
    return fitRows(spec, rows, options);
  }
  if (!Number.isInteger(sample) || sample < spec.codebookSize) {
    throw new ArgumentError(
      `sample is ${sample}; it must be an integer, and at least the codebookSize ${spec.codebookSize}`,
    );
  }
  const drawn = await sampleRows(rows, sample, new Random(seed).stream("sample"), signal);
  return withSampledRows(drawn, () => fitRows(spec, drawn.matrix, options));
}

async function fitRows(spec: VqSpec, rows: Rows, options: VqTraining): Promise<VqModel> {
  checkUpdate(options);
  const backend = await resolveBackend(options.backend);
  if (options.update === "ema") return fitByEma(spec, rows, options, backend);
  const few = await fewRows(spec, rows, options);
  return few
    ? fitByExchange(spec, few, options, backend)
    : fitByLloyd(spec, rows, options, backend);
}

/**
 * The rows in memory, if exchanges are to be made. A short stream counts as the matrix of its rows, so both give the same
 * model.
 */
async function fewRows(spec: VqSpec, rows: Rows, options: VqTraining): Promise<Matrix | undefined> {
  if (spec.metric !== undefined || options.exchange === false) return undefined;
  const cols = await columnsOf(rows, options.signal);
  const limit = options.exchange ? Infinity : exchangeRowLimit(spec.codebookSize, cols);
  return holdFew(rows, limit, options.signal);
}

async function columnsOf(rows: Rows, signal: AbortSignal | undefined): Promise<number> {
  if (isMatrix(rows)) return rows.cols;
  for await (const batch of batchesOf(rows, 1, signal)) return batch.cols;
  return 1;
}

async function fitByExchange(
  spec: VqSpec,
  rows: Matrix,
  options: VqTraining,
  backend: CompleteBackend,
): Promise<VqModel> {
  const {
    restarts = 1,
    iterations = ITERATIONS,
    tolerance,
    seed = 0,
    signal,
    onProgress,
  } = options;
  checkRestarts(restarts);
  let best: { readonly codebook: Matrix; readonly facts: VqFacts } | undefined;
  for (let restart = 0; restart < restarts; restart++) {
    const start = await fitKmeans(rows, {
      ...kmeansOptions(spec, options, backend),
      iterations: Math.min(iterations, ITERATIONS_BEFORE_EXCHANGE),
      // Steps of k-means want all rows; to choose rows by, a few will do.
      ...(options.init !== "progressive" && {
        initRows: INIT_ROWS_PER_CODEWORD * spec.codebookSize,
      }),
      seed: restartSeed(seed, restart),
      restarts: 1,
    });
    const refined = await exchangeRefine(rows, start.codes!, start.codebook, {
      backend,
      passes: iterations - start.iterations,
      tolerance,
      signal,
      onProgress,
    });
    const facts = {
      distortion: refined.objective / rows.rows,
      iterations: start.iterations + refined.history.length - 1,
    };
    if (!best || facts.distortion < best.facts.distortion!) {
      best = { codebook: refined.codebook, facts };
    }
  }
  return new VqModel(spec, best!.codebook, best!.facts);
}

async function fitByLloyd(
  spec: VqSpec,
  rows: Rows,
  options: VqTraining,
  backend: CompleteBackend,
): Promise<VqModel> {
  const input = spec.metric === "cosine" ? normalizedRows(rows) : rows;
  const { codebook, distortion, iterations } = await fitKmeans(
    input,
    kmeansOptions(spec, options, backend),
  );
  return new VqModel(spec, codebook, { ...meanFact(spec, distortion), iterations });
}

async function fitByEma(
  spec: VqSpec,
  rows: Rows,
  options: VqTraining,
  backend: CompleteBackend,
): Promise<VqModel> {
  const { restarts = 1, seed = 0 } = options;
  checkRestarts(restarts);
  const input = spec.metric === "cosine" ? normalizedRows(rows) : rows;
  let best: EmaFit | undefined;
  for (let restart = 0; restart < restarts; restart++) {
    const run = restartSeed(seed, restart);
    const fitted = await fitEma(spec, input, { ...options, seed: run }, backend);
    if (!best || fitted.distortion < best.distortion) best = fitted;
  }
  const { codebook, distortion, iterations } = best!;
  return new VqModel(spec, codebook, { ...meanFact(spec, distortion), iterations });
}

/** The mean distance of the training rows, by the name that it has under the metric. */
function meanFact(spec: VqSpec, distance: number): VqFacts {
  return spec.metric === undefined ? { distortion: distance } : { similarity: -distance };
}

function restartSeed(seed: number, restart: number): number {
  return restart === 0 ? seed : new Random(seed).stream("restart", restart).uint32();
}

function kmeansOptions(spec: VqSpec, options: VqTraining, backend: CompleteBackend) {
  const { seed, iterations, restarts, tolerance, init, signal, onProgress } = options;
  return {
    codebookSize: spec.codebookSize,
    backend,
    seed,
    iterations: iterations ?? ITERATIONS,
    restarts,
    tolerance,
    init,
    metric: spec.metric === undefined ? ("l2" as const) : ("ip" as const),
    spherical: spec.metric === "cosine",
    signal,
    onProgress,
  };
}

const EMA_OPTIONS = ["decay", "epsilon", "deadCodeThreshold", "batchSize"] as const;

function checkUpdate({ update = "kmeans", exchange, ...options }: VqTraining): void {
  if (update !== "kmeans" && update !== "ema") {
    throw new ArgumentError(`update is "${String(update)}"; it must be kmeans or ema`);
  }
  if (update === "ema" && exchange === true) {
    throw new ArgumentError("exchange is true, but update is ema, which exchanges nothing");
  }
  const name = EMA_OPTIONS.find((option) => options[option] !== undefined);
  if (update === "kmeans" && name !== undefined) {
    throw new ArgumentError(`${name} is given, which is an option of update "ema"`, {
      hint: 'add update: "ema"',
    });
  }
}

function checkRestarts(restarts: number): void {
  if (!Number.isInteger(restarts) || restarts < 1) {
    throw new ArgumentError(`restarts is ${restarts}; it must be an integer from 1`);
  }
}
