import {
  ArgumentError,
  batchesOf,
  checkFinite,
  checkMatrix,
  checkReplayable,
  checkSpec,
  type FitOptions,
  isMatrix,
  type Matrix,
  pause,
  Random,
  type Rows,
  sampleRows,
  ShapeError,
  type SignSpec,
  throwIfAborted,
  withRowOffset,
  withSampledRows,
} from "@tessera/core";
import { SignModel } from "./sign-model.js";

export interface FitSignOptions extends Pick<
  FitOptions,
  "seed" | "sample" | "signal" | "onProgress"
> {
  /**
   * What a value must exceed for a 1: 0, or the mean or median of its dimension over the training rows. Default `zero`,
   * the right choice for embeddings that are compared by direction.
   */
  readonly threshold?: "zero" | "mean" | "median" | undefined;
}

/** Rows that medians are taken over, at most: their ranks are then good to half a percent of the rows. */
const MEDIAN_ROWS = 2 ** 14;
/** Rows between two pauses. */
const BATCH_ROWS = 16_384;

/**
 * Learns thresholds, and what the bits decode to.
 *
 * @param rows `[n, d]`, n ≥ 1; a stream must be one that can be read again, unless `sample` is set or the threshold is
 *   `zero`, for which one pass will do
 * @throws {ArgumentError} for an option out of range
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitSign(rows: Rows, options: FitSignOptions = {}): Promise<SignModel> {
  const { threshold = "zero", ...training } = options;
  if (!["zero", "mean", "median"].includes(threshold)) {
    throw new ArgumentError(`threshold is "${threshold}"; it must be zero, mean or median`);
  }
  return fitSignSpec(checkSpec({ kind: "sign", threshold }) as SignSpec, rows, training);
}

/** {@link fitSign} for a checked spec. */
export async function fitSignSpec(
  spec: SignSpec,
  rows: Rows,
  options: Omit<FitSignOptions, "threshold">,
): Promise<SignModel> {
  const { sample, seed = 0, signal } = options;
  throwIfAborted(signal);
  if (isMatrix(rows)) checkMatrix(rows);
  if (sample === undefined) {
    if (spec.threshold !== undefined) checkReplayable(rows);
    return fitRows(spec, rows, options);
  }
  if (!Number.isInteger(sample) || sample < 1) {
    throw new ArgumentError(`sample is ${sample}; it must be an integer from 1`);
  }
  const drawn = await sampleRows(rows, sample, new Random(seed).stream("sample"), signal);
  return withSampledRows(drawn, () => fitRows(spec, drawn.matrix, options));
}

async function fitRows(
  spec: SignSpec,
  rows: Rows,
  options: Omit<FitSignOptions, "threshold">,
): Promise<SignModel> {
  const thresholds = await fitThresholds(spec, rows, options);
  const sides = new Sides(thresholds);
  await forEachBatch(rows, options, (batch) => sides.add(batch));
  if (sides.rows === 0) throw new ShapeError("there are no rows to fit on");
  const { reconstruction, distortion } = sides.result();
  const cols = reconstruction.length / 2;
  return new SignModel(
    spec,
    { data: thresholds ?? new Float32Array(cols), rows: 1, cols },
    { data: reconstruction, rows: 2, cols },
    { distortion },
  );
}

/** The thresholds of each dimension; `undefined` where all are 0. */
async function fitThresholds(
  spec: SignSpec,
  rows: Rows,
  options: Omit<FitSignOptions, "threshold">,
): Promise<Float32Array | undefined> {
  if (spec.threshold === "mean") {
    let sums: Float64Array | undefined;
    let count = 0;
    await forEachBatch(rows, options, (batch) => {
      sums ??= new Float64Array(batch.cols);
      for (let at = 0; at < batch.data.length;) {
        for (let j = 0; j < batch.cols; j++, at++) sums[j] = sums[j]! + batch.data[at]!;
      }
      count += batch.rows;
    });
    return sums && Float32Array.from(sums, (sum) => sum / count);
  }
  if (spec.threshold === "median") {
    const random = new Random(options.seed ?? 0).stream("median");
    const drawn = await sampleRows(rows, MEDIAN_ROWS, random, options.signal);
    return withSampledRows(drawn, async () => {
      checkFinite(drawn.matrix);
      return medians(drawn.matrix);
    });
  }
  return undefined;
}

/** The median of each column; of an even number of values, the mean of the middle two. */
function medians({ data, rows, cols }: Matrix): Float32Array {
  const column = new Float32Array(rows);
  return Float32Array.from({ length: cols }, (_, j) => {
    for (let i = 0; i < rows; i++) column[i] = data[i * cols + j]!;
    column.sort();
    return column[(rows - 1) >> 1]! / 2 + column[rows >> 1]! / 2;
  });
}

/** Running sums of the values on either side of their thresholds. */
class Sides {
  readonly #thresholds: Float32Array | undefined;
  rows = 0;
  #squares = 0;
  /** Of the values at or below the threshold, then of those above. */
  #sums = new Float64Array(0);
  #above = new Float64Array(0);

  constructor(thresholds: Float32Array | undefined) {
    this.#thresholds = thresholds;
  }

  add({ data, rows, cols }: Matrix): void {
    if (this.rows === 0) {
      this.#sums = new Float64Array(2 * cols);
      this.#above = new Float64Array(cols);
    }
    const thresholds = this.#thresholds ?? new Float32Array(cols);
    const sums = this.#sums;
    const above = this.#above;
    for (let at = 0; at < data.length;) {
      for (let j = 0; j < cols; j++, at++) {
        const value = data[at]!;
        const bit = value > thresholds[j]! ? 1 : 0;
        sums[bit * cols + j] = sums[bit * cols + j]! + value;
        above[j] = above[j]! + bit;
        this.#squares += value * value;
      }
    }
    this.rows += rows;
  }

  /** The mean of each side, a side without values standing at its threshold; and what that leaves over. */
  result(): { reconstruction: Float32Array; distortion: number } {
    const cols = this.#above.length;
    let explained = 0;
    const reconstruction = Float32Array.from(this.#sums, (sum, at) => {
      const j = at % cols;
      const count = at < cols ? this.rows - this.#above[j]! : this.#above[j]!;
      if (count === 0) return this.#thresholds?.[j] ?? 0;
      explained += sum * (sum / count);
      return sum / count;
    });
    return { reconstruction, distortion: Math.max(0, this.#squares - explained) / this.rows };
  }
}

/** Runs `body` on finite batches of rows, which it must not keep. */
async function forEachBatch(
  rows: Rows,
  { signal, onProgress }: Omit<FitSignOptions, "threshold">,
  body: (batch: Matrix) => void,
): Promise<void> {
  const total = (rows as { readonly rows?: number }).rows;
  let done = 0;
  for await (const batch of batchesOf(rows, BATCH_ROWS, signal)) {
    await withRowOffset(done, async () => {
      checkFinite(batch);
      body(batch);
    });
    done += batch.rows;
    await onProgress?.({ task: "fit", done, total });
    await pause();
  }
}
