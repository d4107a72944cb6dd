import { NonFiniteError } from "./errors.js";
import { pause } from "./pause.js";
import type { Random } from "./random.js";
import { batchesOf, checkMatrix, isMatrix, type Matrix, type Rows } from "./rows.js";

/** Rows drawn from all rows, each as likely as any other. */
export interface RowSample {
  readonly matrix: Matrix;
  /** Index of each drawn row among all rows; `undefined` if the sample is all rows in order. */
  readonly indices: Float64Array | undefined;
  /** Rows that there were to draw from. */
  readonly total: number;
}

/**
 * Draws up to `count` rows in one pass, in memory for `count` rows (Vitter 1985, algorithm R).
 *
 * The draw depends on the order of the rows alone, so a matrix and a stream of the same rows give the same sample.
 *
 * @param count a number, or one that depends on the number of columns
 */
export async function sampleRows(
  rows: Rows,
  count: number | ((cols: number) => number),
  random: Random,
  signal?: AbortSignal,
): Promise<RowSample> {
  const limitFor = typeof count === "number" ? () => count : count;
  if (isMatrix(rows)) {
    checkMatrix(rows);
    if (rows.rows <= limitFor(rows.cols)) {
      return { matrix: rows, indices: undefined, total: rows.rows };
    }
  }
  let cols = 1;
  let limit = 0;
  let total = 0;
  // Of a matrix it is known how much will be held.
  let held = new Float32Array(isMatrix(rows) ? limitFor(rows.cols) * rows.cols : 0);
  const indices: number[] = [];
  // The size of a batch changes nothing here; small ones keep the work between two pauses short.
  for await (const batch of batchesOf(rows, isMatrix(rows) ? 65_536 : 4096, signal)) {
    cols = batch.cols;
    limit = limitFor(cols);
    for (let i = 0; i < batch.rows; i++, total++) {
      const slot = total < limit ? total : random.integer(total + 1);
      if (slot >= limit) continue;
      if ((slot + 1) * cols > held.length) held = grow(held, (slot + 1) * cols, limit * cols);
      held.set(batch.data.subarray(i * cols, (i + 1) * cols), slot * cols);
      indices[slot] = total;
    }
    await pause();
  }
  const drawn = Math.min(total, limit);
  return {
    matrix: { data: held.subarray(0, drawn * cols), rows: drawn, cols },
    indices: total <= limit ? undefined : Float64Array.from(indices),
    total,
  };
}

/** A larger copy: a short stream should not cost the memory of a full reservoir. */
function grow(held: Float32Array, least: number, most: number): Float32Array<ArrayBuffer> {
  const larger = new Float32Array(Math.min(most, Math.max(least, 2 * held.length)));
  larger.set(held);
  return larger;
}

/** Runs `body` on sampled rows, so that an error names the row among all rows. */
export async function withSampledRows<T>(
  { indices }: Pick<RowSample, "indices">,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof NonFiniteError) || !indices) throw error;
    throw new NonFiniteError(indices[error.row] ?? error.row);
  }
}
