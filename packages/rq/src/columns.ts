import { Codes, type Matrix, type Model } from "@tessera/core";

/** Which columns of codes belong to each level: `start..end`. */
export function levelColumns(
  levels: readonly Pick<Model, "cardinalities">[],
): { readonly start: number; readonly end: number }[] {
  let start = 0;
  return levels.map(({ cardinalities }) => {
    const columns = { start, end: start + cardinalities.length };
    start = columns.end;
    return columns;
  });
}

/** Code tables of the same rows, side by side. */
export function joinColumns(parts: readonly Codes[]): Codes {
  const cardinalities = parts.flatMap((part) => part.cardinalities);
  const width = cardinalities.length;
  const rows = parts[0]!.rows;
  const joined = new Uint32Array(rows * width);
  let start = 0;
  for (const { data, columns } of parts) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) joined[i * width + start + j] = data[i * columns + j]!;
    }
    start += columns;
  }
  return new Codes(joined, cardinalities);
}

/** a − b, element by element. */
export function subtract(a: Matrix, b: Matrix): Matrix {
  const data = new Float32Array(a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = a.data[i]! - b.data[i]!;
  return { data, rows: a.rows, cols: a.cols };
}
