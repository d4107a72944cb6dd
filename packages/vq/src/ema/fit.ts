import {
  ArgumentError,
  batchesOf,
  type CompleteBackend,
  isMatrix,
  type Matrix,
  NonFiniteError,
  type OnProgress,
  Random,
  type Rows,
  type VqSpec,
} from "@tessera/core";
import { fitKmeans, type KmeansInit } from "@tessera/kmeans";
import { assignMetric } from "../model.js";
import { EmaCodebook } from "./codebook.js";
import { type EmaOptions, resolveEmaOptions } from "./options.js";

/** What {@link fitEma} takes. */
export interface EmaTraining extends EmaOptions {
  /** Rows of a step. Default 2048. */
  readonly batchSize?: number | undefined;
  /** Passes over the rows. Default 25. */
  readonly iterations?: number | undefined;
  /** Stop when a pass changes the distortion by no more than this share. Default 1e-4. */
  readonly tolerance?: number | undefined;
  readonly init?: KmeansInit | undefined;
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

export interface EmaFit {
  readonly codebook: Matrix;
  /** Mean distance of the rows to their codewords: squared L2, or −x·c. */
  readonly distortion: number;
  /** Passes over the rows. */
  readonly iterations: number;
}

/** The most iterations of k-means that codewords without rows are given at the end. */
const REPAIRS = 10;

/**
 * Learns a codebook by moving averages: passes over batches of the rows, in a new random order each time if they are in
 * memory, else as they come. Codewords that have no rows at the end are moved as k-means moves them.
 *
 * @param rows of unit norm, under `cosine`
 */
export async function fitEma(
  spec: VqSpec,
  rows: Rows,
  options: EmaTraining,
  backend: CompleteBackend,
): Promise<EmaFit> {
  const { batchSize = 2048, iterations = 25, tolerance = 1e-4, seed = 0, signal } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new ArgumentError(`batchSize is ${batchSize}; it must be an integer from 1`);
  }
  resolveEmaOptions(options);
  const shared = {
    codebookSize: spec.codebookSize,
    backend,
    metric: assignMetric(spec),
    spherical: spec.metric === "cosine",
    signal,
  };
  const { init, onProgress } = options;
  const start = await fitKmeans(rows, { ...shared, init, seed, iterations: 0, tolerance });
  const random = new Random(seed).stream("moving averages");
  let state = EmaCodebook.start(start.codebook, {
    ...options,
    metric: spec.metric ?? "l2",
    seed: random.stream("codebook").uint32(),
  });
  let before: number | undefined;
  let passes = 0;
  while (passes < iterations) {
    let sum = 0;
    let count = 0;
    for await (const batch of batches(rows, batchSize, random.stream("pass", passes), signal)) {
      const { next, distortion } = await namingRow(batch, () =>
        state.step(batch.rows, { backend, signal }),
      );
      state = next;
      sum += distortion * batch.rows.rows;
      count += batch.rows.rows;
    }
    passes++;
    const distortion = sum / count;
    await onProgress?.({
      task: "moving averages",
      done: passes,
      total: iterations,
      figures: { objective: sum },
      codebook: state.codebook,
    });
    const change = before === undefined ? Infinity : Math.abs(before - distortion);
    if (change <= tolerance * Math.abs(distortion)) break;
    before = distortion;
  }
  const measured = await fitKmeans(rows, { ...shared, init: state.codebook, iterations: 0 });
  if (iterations === 0 || !measured.counts.includes(0)) {
    return { codebook: state.codebook, distortion: measured.distortion, iterations: passes };
  }
  const repaired = await fitKmeans(rows, {
    ...shared,
    init: state.codebook,
    iterations: REPAIRS,
    // One iteration is enough, unless it leaves others without rows.
    tolerance: 1,
  });
  const { codebook, distortion } = repaired;
  return { codebook, distortion, iterations: passes + repaired.iterations };
}

interface Batch {
  readonly rows: Matrix;
  readonly rowOf: (row: number) => number;
}

async function* batches(
  rows: Rows,
  size: number,
  random: Random,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, undefined> {
  if (!isMatrix(rows)) {
    let start = 0;
    for await (const batch of batchesOf(rows, size, signal)) {
      const first = start;
      yield { rows: batch, rowOf: (row) => first + row };
      start += batch.rows;
    }
    return;
  }
  const { cols } = rows;
  const order = random.permutation(rows.rows);
  for (let start = 0; start < order.length; start += size) {
    const chosen = order.subarray(start, start + size);
    const data = new Float32Array(chosen.length * cols);
    chosen.forEach((row, i) => {
      data.set(rows.data.subarray(row * cols, (row + 1) * cols), i * cols);
    });
    yield {
      rows: { data, rows: chosen.length, cols },
      rowOf: (row) => chosen[row] ?? row,
    };
  }
}

/** Runs `body` on a batch, so that an error names the caller's row. */
async function namingRow<T>({ rowOf }: Batch, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw error instanceof NonFiniteError ? new NonFiniteError(rowOf(error.row)) : error;
  }
}
