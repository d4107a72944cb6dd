import { batchesOf, type Matrix, type Rows, ShapeError } from "@tessera/core";

/** One row of values. */
export function rowOf(values: ArrayLike<number>): Matrix {
  return { data: Float32Array.from(values), rows: 1, cols: values.length };
}

/** @throws {ShapeError} if rows do not have the dimension that a transform takes */
export function checkCols(rows: Matrix, dimension: number): void {
  if (rows.cols !== dimension) {
    throw new ShapeError(`the rows have ${rows.cols} values; the transform takes ${dimension}`);
  }
}

/** The number of values in a row. @throws {ShapeError} if there are no rows */
export async function widthOf(rows: Rows, signal?: AbortSignal): Promise<number> {
  for await (const batch of batchesOf(rows, 1, signal)) return batch.cols;
  throw new ShapeError("there are no rows to fit on");
}

/** `sign` times one row added to all rows. */
export function addRow({ data, rows, cols }: Matrix, row: Matrix, sign: 1 | -1): Matrix {
  const moved = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += cols) {
    for (let j = 0; j < cols; j++) moved[at + j] = data[at + j]! + sign * row.data[j]!;
  }
  return { data: moved, rows, cols };
}
