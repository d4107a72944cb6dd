import { Codes, isMatrix, type Rows, sliceColumns } from "@tessera/core";

/** Columns `start..end` of rows; of a stream batch by batch, anew in each pass. */
export function columnsOfRows(rows: Rows, start: number, end: number): Rows {
  if (isMatrix(rows)) return sliceColumns(rows, start, end);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const batch of rows) yield sliceColumns(batch, start, end);
    },
  };
}

/** Code tables of the same rows, side by side. */
export function joinColumns(parts: readonly Codes[]): Codes {
  const cardinalities = parts.flatMap((part) => part.cardinalities);
  const width = cardinalities.length;
  const joined = new Uint32Array(parts[0]!.rows * width);
  let start = 0;
  for (const { data, columns } of parts) {
    for (let at = 0, to = start; at < data.length; to += width) {
      for (let j = 0; j < columns; j++) joined[to + j] = data[at++]!;
    }
    start += columns;
  }
  return new Codes(joined, cardinalities);
}

/** Columns `first..first + cardinalities.length` of codes. */
export function codeColumns(codes: Codes, first: number, cardinalities: readonly number[]): Codes {
  const width = cardinalities.length;
  const own = new Uint32Array(codes.rows * width);
  for (let i = 0; i < codes.rows; i++) {
    const from = i * codes.columns + first;
    for (let j = 0; j < width; j++) own[i * width + j] = codes.data[from + j]!;
  }
  return new Codes(own, cardinalities);
}
