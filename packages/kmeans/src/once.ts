import {
  ArgumentError,
  batchesOf,
  type CompleteBackend,
  type Matrix,
  type Random,
  type Rows,
} from "@tessera/core";
import { batchesIn, learnBatch, miniBatchState, type MiniBatchState } from "./mini-batch.js";
import { checkEnoughRows, checkWeightCount, type KmeansResult, type Settings } from "./options.js";
import { checkWidth } from "./source.js";
import { checkSample, chooseStart } from "./start.js";
import { normalizeRows, reduceStatistics, type KmeansStatistics } from "./statistics.js";

/** Fits to a stream that can be read only once: mini-batches in the order they come, from a start among the first rows. */
export async function fitOnce(
  backend: CompleteBackend,
  rows: Rows,
  settings: Settings,
  random: Random,
): Promise<KmeansResult> {
  const { codebookSize, metric, spherical, signal, weights, onProgress } = settings;
  if (settings.restarts > 1) {
    throw new ArgumentError(
      `restarts is ${settings.restarts}, but these rows can be read only once`,
      { hint: "leave out restarts, or pass rows that can be read again" },
    );
  }
  const size = settings.miniBatch!;
  // Whole mini-batches, so that where a chunk ends leaves no trace.
  const chunkRows = Math.ceil(settings.initRows / size) * size;
  let state: MiniBatchState | undefined;
  let total: KmeansStatistics | undefined;
  for await (const chunk of batchesOf(rows, chunkRows, signal)) {
    const start = total?.rows ?? 0;
    if (!state) {
      checkEnoughRows(codebookSize, chunk.rows);
      state = miniBatchState(await firstCodebook(backend, chunk, settings, random));
    }
    for (const batch of batchesIn(chunk, start, size, weights)) {
      const found = await learnBatch({ backend, metric, spherical, signal }, state, batch);
      total = total ? reduceStatistics([total, found]) : found;
      await onProgress?.({
        task: "mini-batch k-means",
        done: total.rows,
        total: undefined,
        figures: { objective: total.objective },
        codebook: state.codebook,
      });
    }
  }
  checkEnoughRows(codebookSize, total?.rows ?? 0);
  checkWeightCount(weights, total!.rows);
  const { objective, weight, counts } = total!;
  return {
    codebook: state!.codebook,
    objective,
    distortion: objective / weight,
    counts,
    codes: undefined,
    iterations: 1,
    history: [objective],
    stopped: "iterations",
  };
}

async function firstCodebook(
  backend: CompleteBackend,
  chunk: Matrix,
  settings: Settings,
  random: Random,
): Promise<Matrix> {
  const { init, spherical, weights } = settings;
  if (typeof init === "object") {
    checkWidth(chunk, init.cols);
    const start = { ...init, data: init.data.slice() };
    if (spherical) normalizeRows(start);
    return start;
  }
  checkSample({ matrix: chunk, indices: undefined, total: chunk.rows });
  const first = weights?.subarray(0, chunk.rows);
  return chooseStart(backend, init, chunk, first, settings, random.stream("start", 0));
}
