import { type Matrix, type Rows, sliceRows } from "@tessera/core";

/** A stream that can be read again, cut into batches of `size`. */
export function stream(rows: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < rows.rows; start += size) {
        yield sliceRows(rows, start, Math.min(rows.rows, start + size));
      }
    },
  };
}

/** A stream that cannot. */
export async function* onceOnly(rows: Matrix): AsyncGenerator<Matrix> {
  yield rows;
}
