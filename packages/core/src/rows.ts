import { ArgumentError, NonFiniteError, ShapeError, throwIfAborted } from "./errors.js";

/** A row-major float32 matrix on the host: row i is `data[i·cols .. (i+1)·cols)`. */
export interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly cols: number;
}

/**
 * Rows to fit or encode: a matrix in memory, or batches that arrive one after another.
 *
 * A stream that is read more than once (k-means passes over its rows again and again) must start anew each time it is
 * iterated, as the readers of `@tessera/io` do. A running generator cannot; using it so is an {@link ArgumentError}.
 */
export type Rows = Matrix | AsyncIterable<Matrix>;

/**
 * Makes a matrix of a typed array with its number of columns, or of an array of rows.
 *
 * @throws {ShapeError} if the data do not fill whole rows, or rows differ in length
 */
export function matrix(data: Float32Array, cols: number): Matrix;
export function matrix(rows: readonly ArrayLike<number>[]): Matrix;
export function matrix(data: Float32Array | readonly ArrayLike<number>[], cols?: number): Matrix {
  if (data instanceof Float32Array) {
    if (cols === undefined || !Number.isInteger(cols) || cols < 1) {
      throw new ShapeError(`cols is ${cols}; a matrix needs at least one column`);
    }
    if (data.length % cols !== 0) {
      throw new ShapeError(`${data.length} values do not fill rows of ${cols}`);
    }
    return { data, rows: data.length / cols, cols };
  }
  const width = data[0]?.length ?? 0;
  if (width === 0) throw new ShapeError("a matrix of rows needs at least one row with one value");
  const flat = new Float32Array(data.length * width);
  data.forEach((row, i) => {
    if (row.length !== width)
      throw new ShapeError(`row ${i} has ${row.length} values, row 0 has ${width}`);
    flat.set(row, i * width);
  });
  return { data: flat, rows: data.length, cols: width };
}

/** Rows `start..end` of a matrix, without copying. */
export function sliceRows(m: Matrix, start: number, end: number): Matrix {
  return {
    data: m.data.subarray(start * m.cols, end * m.cols),
    rows: end - start,
    cols: m.cols,
  };
}

/** Columns `start..end` of a matrix, copied. */
export function sliceColumns({ data, rows, cols }: Matrix, start: number, end: number): Matrix {
  const width = end - start;
  const slice = new Float32Array(rows * width);
  for (let i = 0; i < rows; i++) {
    slice.set(data.subarray(i * cols + start, i * cols + end), i * width);
  }
  return { data: slice, rows, cols: width };
}

export function isMatrix(rows: Rows): rows is Matrix {
  return (rows as Matrix).data instanceof Float32Array;
}

/** @throws {ShapeError} if the shape and the data of a matrix disagree */
export function checkMatrix(m: Matrix, what = "input"): void {
  const whole = Number.isInteger(m.rows) && Number.isInteger(m.cols) && m.rows >= 0 && m.cols >= 1;
  if (!whole || m.data.length !== m.rows * m.cols) {
    throw new ShapeError(`${what} is [${m.rows}, ${m.cols}] but holds ${m.data.length} values`);
  }
}

/** @throws {NonFiniteError} naming the first row with a NaN or an infinity */
export function checkFinite(m: Matrix, what = "input"): void {
  const { data, cols } = m;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i]!)) throw new NonFiniteError(Math.floor(i / cols), what);
  }
}

/** @throws {ArgumentError} if `rows` can be iterated only once */
export function checkReplayable(rows: Rows): void {
  if (!isMatrix(rows) && (rows[Symbol.asyncIterator]() as unknown) === rows) {
    throw new ArgumentError("these rows can be read only once, and fitting reads them repeatedly", {
      hint: "pass a matrix, or an object whose [Symbol.asyncIterator]() starts anew each time",
    });
  }
}

/**
 * The rows in batches of exactly `size` (the last may be shorter), however they arrive. Fixed batches make sums, and so
 * models, independent of how the caller happened to cut the data.
 *
 * A batch is valid until the next one is asked for. Rows are copied only where a batch is put together from parts.
 *
 * @param lasting how many batches stay valid beside the latest; rows of a stream are then copied, each once
 */
export async function* batchesOf(
  rows: Rows,
  size: number,
  signal?: AbortSignal,
  lasting = 0,
): AsyncGenerator<Matrix, void, undefined> {
  if (isMatrix(rows)) {
    checkMatrix(rows);
    for (let start = 0; start < rows.rows; start += size) {
      throwIfAborted(signal);
      yield sliceRows(rows, start, Math.min(rows.rows, start + size));
    }
    return;
  }
  const buffers: Float32Array[] = [];
  let turn = 0;
  let cols: number | undefined;
  let filled = 0;
  for await (const batch of rows) {
    throwIfAborted(signal);
    checkMatrix(batch, "batch");
    if (batch.cols !== (cols ??= batch.cols)) {
      throw new ShapeError(`a batch has ${batch.cols} columns, the first had ${cols}`);
    }
    for (let start = 0; start < batch.rows;) {
      if (lasting === 0 && filled === 0 && batch.rows - start >= size) {
        yield sliceRows(batch, start, start + size);
        start += size;
        continue;
      }
      const count = Math.min(size - filled, batch.rows - start);
      const held = (buffers[turn] ??= new Float32Array(size * cols));
      held.set(batch.data.subarray(start * cols, (start + count) * cols), filled * cols);
      filled += count;
      start += count;
      if (filled === size) {
        yield { data: held, rows: size, cols };
        turn = (turn + 1) % (lasting + 1);
        filled = 0;
      }
    }
  }
  const held = buffers[turn];
  if (held !== undefined && cols !== undefined && filled > 0) {
    yield { data: held.subarray(0, filled * cols), rows: filled, cols };
  }
}
