import { batchesOf, isMatrix, type Matrix, NonFiniteError, Random, type Rows } from "@tessera/core";

/** Rows drawn from others. */
export interface SampledRows {
  readonly matrix: Matrix;
  /** The caller's index of each drawn row; `undefined` if all rows were taken, in order. */
  readonly indices: Float64Array | undefined;
}

/**
 * At most `count` rows drawn at random (Vitter 1985, algorithm R), held in memory; all rows in order, if there are no
 * more. The draw depends on the order of the rows alone, not on how a stream is cut.
 */
export async function sampleRows(
  rows: Rows,
  count: number,
  seed: number,
  signal?: AbortSignal,
): Promise<SampledRows> {
  if (isMatrix(rows) && rows.rows <= count) return { matrix: rows, indices: undefined };
  const random = new Random(seed).stream("sample");
  const indices: number[] = [];
  const drawn: Float32Array[] = [];
  let seen = 0;
  let cols = 1;
  for await (const batch of batchesOf(rows, 4096, signal)) {
    cols = batch.cols;
    for (let i = 0; i < batch.rows; i++, seen++) {
      const slot = seen < count ? seen : random.integer(seen + 1);
      if (slot >= count) continue;
      indices[slot] = seen;
      drawn[slot] = batch.data.slice(i * cols, (i + 1) * cols);
    }
  }
  return {
    matrix: stack(drawn, cols),
    indices: seen <= count ? undefined : Float64Array.from(indices),
  };
}

/** All rows in memory, if there are at most `limit`. A longer stream is read no further than that. */
export async function holdFew(
  rows: Rows,
  limit: number,
  signal?: AbortSignal,
): Promise<Matrix | undefined> {
  if (isMatrix(rows)) return rows.rows <= limit ? rows : undefined;
  const parts: Matrix[] = [];
  let count = 0;
  for await (const batch of batchesOf(rows, 4096, signal)) {
    count += batch.rows;
    if (count > limit) return undefined;
    parts.push({ ...batch, data: batch.data.slice() });
  }
  return stack(
    parts.map(({ data }) => data),
    parts[0]?.cols ?? 1,
  );
}

/** Runs `body` on sampled rows, so that an error names the row among the caller's. */
export async function withSampledRows<T>(
  indices: Float64Array | undefined,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof NonFiniteError) || !indices) throw error;
    throw new NonFiniteError(indices[error.row] ?? error.row);
  }
}

function stack(parts: readonly Float32Array[], cols: number): Matrix {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const data = new Float32Array(size);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, rows: size / cols, cols };
}
