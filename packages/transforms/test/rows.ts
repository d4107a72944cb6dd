import { type Matrix, matrix, Random, type Rows, sliceRows } from "@tessera/core";
import { gaussianMatrix } from "@tessera/backend-testkit";

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

/** Gaussian rows whose dimensions are strongly correlated: a few hidden values, mixed, with a little noise. */
export function correlatedRows(seed: number, rows: number, cols: number, hidden = 3): Matrix {
  const random = new Random(seed).stream("correlated");
  const mixing = gaussianMatrix(hidden, cols, { seed: seed + 1 }).data;
  const data = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const values = Array.from({ length: hidden }, (_, h) => random.normal() / (h + 1));
    for (let j = 0; j < cols; j++) {
      let sum = 0.05 * random.normal();
      values.forEach((value, h) => (sum += value * mixing[h * cols + j]!));
      data[i * cols + j] = sum;
    }
  }
  return matrix(data, cols);
}

/** The largest element of |M·Mᵀ − I|, where M has `n` rows. */
export function orthonormalityError(m: ArrayLike<number>, n: number): number {
  const cols = m.length / n;
  let largest = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? -1 : 0;
      for (let k = 0; k < cols; k++) sum += m[i * cols + k]! * m[j * cols + k]!;
      largest = Math.max(largest, Math.abs(sum));
    }
  }
  return largest;
}

/** The largest difference between two arrays of numbers. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
