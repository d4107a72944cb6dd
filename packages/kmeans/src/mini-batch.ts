import { batchesOf, isMatrix, sliceRows, type Matrix, type Random, type Rows } from "@tessera/core";
import { isSmallChange } from "./lloyd.js";
import { checkWeightCount, type KmeansStop, type Settings } from "./options.js";
import { assignPass, disposePass, type Run } from "./pass.js";
import { memorySource } from "./source.js";
import { normalizeRows, type KmeansStatistics } from "./statistics.js";

/** A codebook that learns from batch after batch. */
export interface MiniBatchState {
  readonly codebook: Matrix;
  /** Means of the rows seen, in float64; `codebook` is their float32 form, of unit norm under `spherical`. */
  readonly means: Float64Array;
  /** Weight of the rows seen. */
  readonly counts: Float64Array;
}

export function miniBatchState(start: Matrix): MiniBatchState {
  return {
    codebook: { ...start, data: start.data.slice() },
    means: Float64Array.from(start.data),
    counts: new Float64Array(start.rows),
  };
}

/**
 * One step of mini-batch k-means (Sculley 2010, algorithm 1), in place. There each row x of the batch moves its codeword
 * by c ← (1 − η)c + ηx with η = 1/(rows the codeword has seen); over a batch that is the running mean.
 */
export function learn(state: MiniBatchState, batch: KmeansStatistics, spherical: boolean): void {
  const { codebook, means, counts } = state;
  const { rows, cols, data } = codebook;
  for (let j = 0; j < rows; j++) {
    const count = batch.counts[j]!;
    if (count === 0) continue;
    counts[j]! += count;
    for (let at = j * cols; at < (j + 1) * cols; at++) {
      means[at]! += (batch.sums[at]! - count * means[at]!) / counts[j]!;
      data[at] = means[at]!;
    }
    if (spherical) normalizeRows({ data: data.subarray(j * cols, (j + 1) * cols), rows: 1, cols });
  }
}

/** Rows to learn from next, with the caller's index of each. */
export interface Batch {
  readonly rows: Matrix;
  readonly weights: Float32Array | undefined;
  readonly rowOf: (row: number) => number;
}

/** Assigns a batch and learns from it. Returns what the assignment found. */
export async function learnBatch(
  run: Omit<Run, "source">,
  state: MiniBatchState,
  batch: Batch,
): Promise<KmeansStatistics> {
  const source = memorySource(run.backend, batch.rows, batch.weights, batch.rowOf);
  try {
    const pass = await assignPass({ ...run, source }, state.codebook);
    disposePass(pass);
    learn(state, pass.statistics, run.spherical);
    return pass.statistics;
  } finally {
    source.dispose();
  }
}

/** The consecutive batches of some rows, the first of which is the caller's row `start`. */
export function* batchesIn(
  rows: Matrix,
  start: number,
  size: number,
  weights: Float32Array | undefined,
): Generator<Batch, void, undefined> {
  for (let at = 0; at < rows.rows; at += size) {
    const end = Math.min(rows.rows, at + size);
    if (weights && weights.length < start + end) checkWeightCount(weights, start + end);
    yield {
      rows: sliceRows(rows, at, end),
      weights: weights?.subarray(start + at, start + end),
      rowOf: (row) => start + at + row,
    };
  }
}

/** What mini-batches are taken from, pass after pass. */
export interface BatchInput {
  readonly rows: Rows;
  readonly weights: Float32Array | undefined;
  /** The caller's index of a row. */
  readonly rowOf: (row: number) => number;
}

export interface MiniBatchRun {
  /** The codebook after the last pass. */
  readonly codebook: Matrix;
  /** The objective of each pass as its batches went by. */
  readonly history: readonly number[];
  readonly stopped: KmeansStop;
}

/** Passes over the rows batch by batch: in a new random order each time if they are in memory, else as they come. */
export async function miniBatch(
  run: Omit<Run, "source">,
  input: BatchInput,
  start: Matrix,
  settings: Settings,
  random: Random,
  task: string,
): Promise<MiniBatchRun> {
  const size = settings.miniBatch!;
  const state = miniBatchState(start);
  const history: number[] = [];
  let stopped: KmeansStop = "iterations";
  while (history.length < settings.iterations) {
    let objective = 0;
    const batches = isMatrix(input.rows)
      ? shuffledBatches(input.rows, input, size, random.stream("pass", history.length))
      : orderedBatches(input, size, settings.signal);
    for await (const batch of batches) {
      objective += (await learnBatch(run, state, batch)).objective;
    }
    const before = history.at(-1);
    history.push(objective);
    await settings.onProgress?.({
      task,
      done: history.length,
      total: settings.iterations,
      figures: { objective },
      codebook: state.codebook,
    });
    if (before !== undefined && isSmallChange(before, objective, settings.tolerance)) {
      stopped = "tolerance";
      break;
    }
  }
  return { codebook: state.codebook, history, stopped };
}

function* shuffledBatches(
  matrix: Matrix,
  { weights, rowOf }: BatchInput,
  size: number,
  random: Random,
): Generator<Batch, void, undefined> {
  const { cols } = matrix;
  const order = random.permutation(matrix.rows);
  for (let start = 0; start < order.length; start += size) {
    const chosen = order.subarray(start, start + size);
    const data = new Float32Array(chosen.length * cols);
    chosen.forEach((row, i) =>
      data.set(matrix.data.subarray(row * cols, (row + 1) * cols), i * cols),
    );
    yield {
      rows: { data, rows: chosen.length, cols },
      weights: weights && Float32Array.from(chosen, (row) => weights[row]!),
      rowOf: (row) => rowOf(chosen[row]!),
    };
  }
}

async function* orderedBatches(
  { rows, weights }: BatchInput,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Batch, void, undefined> {
  let start = 0;
  for await (const matrix of batchesOf(rows, size, signal)) {
    yield* batchesIn(matrix, start, size, weights);
    start += matrix.rows;
  }
}
