import { ArgumentError } from "@tessera/core";

/** The extents of a product: `op(a)` is `[rows, inner]`, `op(b)` is `[inner, cols]`. */
export interface MatmulShape {
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
}

export interface ReferenceMatmulOptions {
  /** `a` is stored `[inner, rows]`. Default: false. */
  readonly transposeA?: boolean | undefined;
  /** `b` is stored `[cols, inner]`. Default: false. */
  readonly transposeB?: boolean | undefined;
  /** `[cols]`, added to every row. Default: none. */
  readonly bias?: Float32Array | undefined;
  /** Default: `none`. */
  readonly activation?: "none" | "relu" | undefined;
}

/**
 * `activation(op(a)·op(b) + bias)`: `result[i, j] = activation(Σₚ op(a)[i, p]·op(b)[p, j] + bias[j])`.
 *
 * @returns `[rows, cols]`
 */
export function referenceMatmul(
  a: Float32Array,
  b: Float32Array,
  shape: MatmulShape,
  options: ReferenceMatmulOptions = {},
): Float64Array {
  const { rows, inner, cols } = shape;
  const { transposeA, transposeB, bias, activation } = options;
  const result = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) {
      let sum = 0;
      for (let p = 0; p < inner; p++) {
        const left = transposeA ? a[p * rows + i]! : a[i * inner + p]!;
        const right = transposeB ? b[j * inner + p]! : b[p * cols + j]!;
        sum += left * right;
      }
      if (bias) sum += bias[j]!;
      result[i * cols + j] = activation === "relu" ? Math.max(0, sum) : sum;
    }
  }
  return result;
}

/** Element by element, `alpha·a + beta·b`. */
export function referenceCombine(
  a: Float32Array,
  b: Float32Array,
  alpha: number,
  beta: number,
): Float64Array {
  return Float64Array.from(a, (value, i) => alpha * value + beta * b[i]!);
}

/**
 * Rows by index: `result[i] = x[indices[i]]`.
 *
 * @param x `[m, cols]`
 * @param indices `[n]`
 * @returns `[n, cols]`
 * @throws {ArgumentError} naming the first index outside 0..m−1
 */
export function referenceTake(x: Float32Array, indices: Int32Array, cols: number): Float32Array {
  const rows = x.length / cols;
  const result = new Float32Array(indices.length * cols);
  indices.forEach((index, i) => {
    if (index < 0 || index >= rows) {
      throw new ArgumentError(`index ${index} at position ${i} is outside the ${rows} rows`, {
        hint: `indices run from 0 to ${rows - 1}`,
      });
    }
    result.set(x.subarray(index * cols, (index + 1) * cols), i * cols);
  });
  return result;
}
