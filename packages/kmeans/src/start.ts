import {
  type RowSample,
  NonFiniteError,
  type CompleteBackend,
  type Matrix,
  type Random,
} from "@tessera/core";
import { lbg } from "./lbg.js";
import type { KmeansInit, Settings } from "./options.js";
import { plusPlus } from "./plus-plus.js";
import { progressive } from "./progressive.js";
import { memorySource } from "./source.js";
import { norm, normalizeRows } from "./statistics.js";

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * The first codebook, chosen from a sample of the rows.
 *
 * Rows of no weight are chosen only where there are too few others; under `spherical` rows become directions, weighted by
 * their length, as the objective weights them.
 *
 * @param sample finite rows, at least `codebookSize`
 * @param weights of the sampled rows
 */
export async function chooseStart(
  backend: CompleteBackend,
  init: KmeansInit,
  sample: Matrix,
  weights: Float32Array | undefined,
  settings: Settings,
  random: Random,
): Promise<Matrix> {
  const { codebookSize, spherical, metric, signal, onProgress } = settings;
  const report =
    (task: string, total = codebookSize) =>
    (done: number): unknown =>
      onProgress?.({ task, done, total });
  if (init === "lbg" || init === "progressive") {
    const source = memorySource(backend, sample, weights);
    try {
      const run = { backend, source, metric, spherical, signal };
      if (init === "lbg")
        return await lbg(run, codebookSize, random, (codebook) =>
          onProgress?.({ task: "LBG start", done: codebook.rows, total: codebookSize, codebook }),
        );
      return await progressive(run, {
        begin: (rows) => chooseStart(backend, "k-means++", rows, weights, settings, random),
        onStep: report("progressive start", sample.cols),
      });
    } finally {
      source.dispose();
    }
  }
  const { rows, effective } = spherical
    ? directions(sample, weights)
    : { rows: sample, effective: weights ?? new Float32Array(sample.rows).fill(1) };
  const chosen =
    init === "random"
      ? drawDistinct(effective, codebookSize, random)
      : await plusPlus(rows, codebookSize, {
          backend,
          random,
          weights: effective,
          signal,
          onChosen: report("k-means++ start"),
        });
  const data = new Float32Array(codebookSize * sample.cols);
  chosen.forEach((row, j) => {
    data.set(rows.data.subarray(row * sample.cols, (row + 1) * sample.cols), j * sample.cols);
  });
  return { data, rows: codebookSize, cols: sample.cols };
}

/** @throws {NonFiniteError} naming the caller's row, for one that is not finite or whose squared norm overflows float32 */
export function checkSample(
  { matrix, indices }: RowSample,
  rowOf: (row: number) => number = (row) => row,
): void {
  const { data, rows, cols } = matrix;
  for (let i = 0; i < rows; i++) {
    const length = norm(data.subarray(i * cols, (i + 1) * cols));
    if (!(length * length <= LARGEST_FLOAT32)) throw new NonFiniteError(rowOf(indices?.[i] ?? i));
  }
}

/** Distinct rows at random, those that have weight before those that have none. */
function drawDistinct(weights: ArrayLike<number>, count: number, random: Random): Uint32Array {
  const order = random.permutation(weights.length);
  const weighted = order.filter((row) => weights[row]! > 0);
  if (weighted.length >= count) return weighted.subarray(0, count);
  const chosen = new Uint32Array(count);
  chosen.set(weighted);
  chosen.set(
    order.filter((row) => !(weights[row]! > 0)).subarray(0, count - weighted.length),
    weighted.length,
  );
  return chosen;
}

function directions(
  { data, rows, cols }: Matrix,
  weights: Float32Array | undefined,
): { rows: Matrix; effective: Float64Array } {
  const unit: Matrix = { data: data.slice(), rows, cols };
  const effective = Float64Array.from(
    { length: rows },
    (_, i) => (weights?.[i] ?? 1) * norm(data.subarray(i * cols, (i + 1) * cols)),
  );
  normalizeRows(unit);
  return { rows: unit, effective };
}
