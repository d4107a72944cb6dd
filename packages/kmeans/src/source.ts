import {
  ArgumentError,
  batchesOf,
  NonFiniteError,
  ShapeError,
  sliceRows,
  type CompleteBackend,
  type Matrix,
  type Rows,
  type Tensor,
  pause,
} from "@tessera/core";
import { checkEnoughRows, checkWeightCount } from "./options.js";

/**
 * Rows in a block, the unit in which rows are uploaded and summed: 65,536, or fewer where that would be over 64 MiB.
 *
 * A function of the width alone, so the same rows give the same sums, bit for bit, whether they come from memory or from
 * a stream, and however the stream is cut.
 *
 * @param cols width of a row
 */
export function blockRows(cols: number): number {
  return Math.max(1, Math.min(65_536, Math.floor(2 ** 24 / cols)));
}

/** Consecutive rows on the device. */
export interface Block {
  /** `[rows, cols]` */
  readonly x: Tensor<"float32">;
  /** `[rows]` */
  readonly weights: Tensor<"float32"> | undefined;
  /** Index of the first row. */
  readonly start: number;
  readonly rows: number;
  /** To be called once the kernels that read the block are enqueued. */
  release(): void;
}

export interface HostBlock extends Block {
  /** The same rows on the host, valid until the next block is asked for. */
  readonly host: Matrix;
}

/** Rows that are passed over again and again, block by block. */
export interface BlockSource<B extends Block = HostBlock> {
  readonly cols: number;
  /** All rows' weights on the host. */
  readonly weights: Float32Array | undefined;
  /** The rows, where they are in memory. */
  readonly matrix: Matrix | undefined;
  blocks(): AsyncIterable<B>;
  /** What to throw for an error that the backend found in the block starting at `start`. */
  explain(error: unknown, start: number): unknown;
  dispose(): void;
}

/**
 * Rows in memory. The backend uses them where they are if it can; else they are uploaded once if they fit, else in each
 * pass. Either way they must not change until the source is disposed.
 *
 * @param rowOf the caller's index of a row, where these are a part of the caller's rows
 */
export function memorySource(
  backend: CompleteBackend,
  matrix: Matrix,
  weights: Float32Array | undefined,
  rowOf: (row: number) => number = (row) => row,
): BlockSource {
  const { rows, cols } = matrix;
  const size = blockRows(cols);
  // Half of the largest tensor leaves room for codes, sums and whatever else the caller keeps on the device.
  const fits = matrix.data.byteLength <= backend.info.maxTensorBytes / 2;
  const resident: HostBlock[] = [];
  return {
    cols,
    weights,
    matrix,
    async *blocks() {
      for (let start = 0, b = 0; start < rows; start += size, b++) {
        await pause();
        const end = Math.min(rows, start + size);
        const block =
          resident[b] ?? onDevice(backend, sliceRows(matrix, start, end), weights, start, "borrow");
        if (fits) resident[b] = block;
        yield fits ? { ...block, release: () => undefined } : block;
      }
    },
    explain: (error, start) => shift(error, (row) => rowOf(start + row)),
    dispose: () => resident.forEach((block) => block.release()),
  };
}

/**
 * Rows read anew in each pass; a block or two are in memory at a time.
 *
 * @param least fewer rows than this are an error
 */
export function streamSource(
  backend: CompleteBackend,
  rows: Rows,
  cols: number,
  weights: Float32Array | undefined,
  signal: AbortSignal | undefined,
  least = 0,
): BlockSource {
  let total: number | undefined;
  return {
    cols,
    weights,
    matrix: undefined,
    async *blocks() {
      let start = 0;
      for await (const batch of batchesOf(rows, blockRows(cols), signal)) {
        checkWidth(batch, cols);
        yield onDevice(backend, batch, weights, start, "tensor");
        start += batch.rows;
        await pause();
      }
      checkEnoughRows(least, start);
      checkWeightCount(weights, start);
      if (start !== (total ??= start)) {
        throw new ArgumentError(
          `the stream gave ${total} rows in one pass and ${start} in another`,
          {
            hint: "pass an iterable that gives the same rows each time",
          },
        );
      }
    },
    explain: (error, start) => shift(error, (row) => start + row),
    dispose: () => undefined,
  };
}

/** @throws {ShapeError} if rows do not have the width of the codewords */
export function checkWidth(rows: Matrix, cols: number): void {
  if (rows.cols !== cols) {
    throw new ShapeError(`rows have ${rows.cols} columns but codewords have ${cols}`);
  }
}

/** @param how `borrow` for rows that stay as they are, `tensor` for those in a buffer that is used again */
function onDevice(
  backend: CompleteBackend,
  host: Matrix,
  weights: Float32Array | undefined,
  start: number,
  how: "borrow" | "tensor",
): HostBlock {
  const end = start + host.rows;
  if (weights !== undefined && end > weights.length) checkWeightCount(weights, end);
  const { x, w } = backend.scope(() => ({
    x: backend[how](host.data, [host.rows, host.cols]),
    w: weights && backend[how](weights.subarray(start, end), [host.rows]),
  }));
  return {
    x,
    weights: w,
    start,
    rows: host.rows,
    host,
    release: () => {
      x.dispose();
      w?.dispose();
    },
  };
}

/** An error about a row of a block, as one about the caller's row. */
function shift(error: unknown, rowOf: (row: number) => number): unknown {
  return error instanceof NonFiniteError ? new NonFiniteError(rowOf(error.row)) : error;
}
