import { isMatrix, type Matrix, type Rows } from "@tessera/core";

/** The rows at unit norm; a row of zeros stays. A stream stays a stream. */
export function normalizedRows(rows: Rows): Rows {
  if (isMatrix(rows)) return normalized(rows);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const batch of rows) yield normalized(batch);
    },
  };
}

/** {@link normalizedRows} of a matrix. */
export function normalized({ data, rows, cols }: Matrix): Matrix {
  const unit = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    let squares = 0;
    for (let j = i * cols; j < (i + 1) * cols; j++) squares += data[j]! * data[j]!;
    // A NaN passes through, for k-means to name its row.
    const scale = squares === 0 ? 1 : 1 / Math.sqrt(squares);
    for (let j = i * cols; j < (i + 1) * cols; j++) unit[j] = data[j]! * scale;
  }
  return { data: unit, rows, cols };
}
