import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  batchesOf,
  type Matrix,
  NonFiniteError,
  type Rows,
  ShapeError,
} from "@tessera/core";
import type { TransformOptions } from "./contract.js";
import { readOf } from "./dense.js";

/** Rows of a block. Fixed, so that sums do not depend on how a stream is cut. */
const BLOCK_ROWS = 4096;
const MAX_FLOAT32 = 3.4028234663852886e38;

/** Mean and covariance of rows. */
export interface Moments {
  readonly rows: number;
  /** `[d]` */
  readonly mean: Float64Array;
  /** `[d, d]`, symmetric; divided by the number of rows. */
  readonly covariance: Float64Array;
}

/**
 * The mean of rows in one pass, each column summed in row order in float64.
 *
 * @throws {ShapeError} if there are no rows
 * @throws {NonFiniteError} naming the row
 */
export async function meanOf(
  rows: Rows,
  { signal, onProgress }: TransformOptions = {},
): Promise<Float64Array> {
  let sum: Float64Array | undefined;
  let count = 0;
  for await (const block of batchesOf(rows, BLOCK_ROWS, signal)) {
    checkRows(block, count);
    sum ??= new Float64Array(block.cols);
    for (let i = 0, at = 0; i < block.rows; i++) {
      for (let j = 0; j < block.cols; j++) sum[j]! += block.data[at++]!;
    }
    count += block.rows;
    await onProgress?.({ task: "mean", done: count, total: (rows as { rows?: number }).rows });
  }
  if (!sum) throw new ShapeError("there are no rows to fit on");
  return sum.map((value) => value / count);
}

/**
 * Mean and covariance of rows in one pass, in memory for two blocks and two d × d matrices. Products of a block are taken
 * by the backend in float32, about the mean of the first block so that a large mean does not cancel; blocks are added in
 * float64 in the order of the rows.
 *
 * @param rows `[n, d]`; a stream is read once
 * @throws {ShapeError} if there are no rows
 * @throws {NonFiniteError} naming the row
 */
export async function momentsOf(
  rows: Rows,
  { backend: chosen, signal, onProgress }: TransformOptions = {},
): Promise<Moments> {
  const backend = await resolveBackend(chosen);
  let shift: Float32Array | undefined;
  let sum = new Float64Array(0);
  let products = new Float64Array(0);
  let count = 0;
  let ahead: Promise<Float32Array> | undefined;
  const fold = async (read: Promise<Float32Array>): Promise<void> => {
    const block = await read;
    for (let i = 0; i < block.length; i++) products[i]! += block[i]!;
  };
  for await (const block of batchesOf(rows, BLOCK_ROWS, signal)) {
    checkRows(block, count);
    if (!shift) {
      shift = Float32Array.from(await meanOf(block));
      sum = new Float64Array(block.cols);
      products = new Float64Array(block.cols ** 2);
    }
    const next = readOf(
      backend.scope(() => {
        const x = backend.tensor(shifted(block, shift!, sum), [block.rows, block.cols]);
        return backend.matmul(x, x, { transposeA: true });
      }),
    );
    if (ahead) await fold(ahead);
    ahead = next;
    count += block.rows;
    await onProgress?.({
      task: "covariance",
      done: count,
      total: (rows as { rows?: number }).rows,
    });
  }
  if (!shift || !ahead) throw new ShapeError("there are no rows to fit on");
  await fold(ahead);
  return finish(shift, sum, products, count);
}

function finish(
  shift: Float32Array,
  sum: Float64Array,
  products: Float64Array,
  rows: number,
): Moments {
  const d = sum.length;
  const offset = sum.map((value) => value / rows);
  const covariance = new Float64Array(d * d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const value = products[i * d + j]! / rows - offset[i]! * offset[j]!;
      covariance[i * d + j] = value;
      covariance[j * d + i] = value;
    }
    // Rounding may leave a variance below 0.
    covariance[i * d + i] = Math.max(0, covariance[i * d + i]!);
  }
  if (!covariance.every(Number.isFinite)) {
    throw new ArgumentError("the covariance of the rows overflows float32", {
      hint: "scale the data down",
    });
  }
  return { rows, mean: offset.map((value, j) => value + shift[j]!), covariance };
}

/** x − shift in float32, and what that adds to the sum. */
function shifted({ data, cols }: Matrix, shift: Float32Array, sum: Float64Array): Float32Array {
  const moved = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += cols) {
    for (let j = 0; j < cols; j++) {
      moved[at + j] = data[at + j]! - shift[j]!;
      sum[j]! += moved[at + j]!;
    }
  }
  return moved;
}

/** @throws {NonFiniteError} for a row with a value that is not finite, or whose squared norm overflows float32 */
function checkRows({ data, rows, cols }: Matrix, start: number): void {
  for (let i = 0, at = 0; i < rows; i++) {
    let squares = 0;
    for (let j = 0; j < cols; j++, at++) squares += data[at]! * data[at]!;
    if (!(squares <= MAX_FLOAT32)) throw new NonFiniteError(start + i);
  }
}
