import {
  checkFinite,
  type Matrix,
  pause,
  type Random,
  type Rows,
  sampleRows,
  ShapeError,
  throwIfAborted,
  withSampledRows,
} from "@tessera/core";
import type { PassOptions } from "./statistics.js";

/** Values that are sorted at most: 64 MiB, or 16 MiB at once. Of more, rows are drawn at random. */
const SORTED_VALUES = { column: 2 ** 24, shared: 2 ** 22 };

/**
 * What `learn` makes of the values of each column in ascending order, or of all values together.
 *
 * @param rows also a stream that can be read only once; of more rows than fit 2²⁴ values (2²² if shared) a sample
 * @throws {NonFiniteError} naming the first row that is not finite among those looked at
 */
export async function fromSortedColumns<T>(
  rows: Rows,
  random: Random,
  options: PassOptions,
  learn: (sorted: Float32Array) => T,
): Promise<T[]> {
  const { shared, signal, onProgress } = options;
  const values = shared ? SORTED_VALUES.shared : SORTED_VALUES.column;
  const most = (cols: number): number => Math.max(1, Math.floor(values / cols));
  const drawn = await sampleRows(rows, most, random, signal);
  if (drawn.matrix.rows === 0) throw new ShapeError("there are no rows to fit on");
  await withSampledRows(drawn, async () => checkFinite(drawn.matrix));
  if (shared) {
    const learned = learn(drawn.matrix.data.slice().sort());
    return Array.from({ length: drawn.matrix.cols }, () => learned);
  }
  const learned: T[] = [];
  for (let j = 0; j < drawn.matrix.cols; j++) {
    learned.push(learn(columnOf(drawn.matrix, j).sort()));
    await onProgress?.({ task: "columns", done: j + 1, total: drawn.matrix.cols });
    await pause();
    throwIfAborted(signal);
  }
  return learned;
}

function columnOf({ data, rows, cols }: Matrix, column: number): Float32Array {
  const values = new Float32Array(rows);
  for (let i = 0; i < rows; i++) values[i] = data[i * cols + column]!;
  return values;
}
