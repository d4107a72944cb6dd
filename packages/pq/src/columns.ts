import { isMatrix, type Rows, sliceColumns } from "@tessera/core";

/** Columns `start..end` of rows; of a stream batch by batch, anew in each pass. */
export function columnsOfRows(rows: Rows, start: number, end: number): Rows {
  if (isMatrix(rows)) return sliceColumns(rows, start, end);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const batch of rows) yield sliceColumns(batch, start, end);
    },
  };
}
