import type { Matrix, Model } from "@tessera/core";

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

/** a − b, element by element. */
export function subtract(a: Matrix, b: Matrix): Matrix {
  const data = new Float32Array(a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = a.data[i]! - b.data[i]!;
  return { data, rows: a.rows, cols: a.cols };
}
