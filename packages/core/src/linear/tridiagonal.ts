import type { Pace } from "./pace.js";

/** A symmetric matrix A as basisᵀ · T · basis, where T is tridiagonal. */
export interface Tridiagonal {
  /** `[n]` */
  readonly diagonal: Float64Array;
  /** `[n]`: entry i couples rows i and i + 1 of T; the last is 0. */
  readonly offDiagonal: Float64Array;
  /** `[n, n]`, orthonormal rows. */
  readonly basis: Float64Array;
}

/**
 * Householder's reduction of a symmetric matrix to tridiagonal form, in float64.
 *
 * Column by column, a reflection I − β·v·vᵀ from both sides clears what is below the subdiagonal. The reflections are
 * kept where they have cleared the matrix, and multiplied out into the basis at the end.
 *
 * @param matrix `[n, n]`, of which the lower triangle is read
 */
export async function tridiagonalize(
  matrix: Float64Array,
  n: number,
  pace: Pace,
): Promise<Tridiagonal> {
  const a = matrix.slice();
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const scales = new Float64Array(n);
  const v = new Float64Array(n);
  const w = new Float64Array(n);
  for (let k = 0; k + 1 < n; k++) {
    diagonal[k] = a[k * n + k]!;
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k]!;
    const { scale, value } = reflection(v, k + 1, n);
    offDiagonal[k] = value;
    scales[k] = scale;
    for (let i = k + 1; i < n; i++) a[i * n + k] = v[i]!;
    if (scale !== 0) reflectBothSides(a, n, k + 1, v, w, scale);
    await pace.spend(2 * (n - k) ** 2);
  }
  if (n > 0) diagonal[n - 1] = a[n * n - 1]!;
  return { diagonal, offDiagonal, basis: await multiplyOut(a, n, scales, pace) };
}

/**
 * The reflection I − scale·v·vᵀ that turns the vector v\[start..n) into (value, 0, …, 0). v is overwritten with that of
 * the reflection.
 */
function reflection(v: Float64Array, start: number, n: number): { scale: number; value: number } {
  let largest = 0;
  for (let i = start; i < n; i++) largest = Math.max(largest, Math.abs(v[i]!));
  let rest = 0;
  // Scaled, so that no square under- or overflows.
  for (let i = start + 1; i < n; i++) rest += (v[i]! / largest) ** 2;
  if (largest === 0 || rest === 0) return { scale: 0, value: v[start]! };
  const first = v[start]! / largest;
  const norm = Math.sqrt(first * first + rest);
  // Away from zero, so that nothing cancels.
  const lead = first < 0 ? first - norm : first + norm;
  for (let i = start; i < n; i++) v[i]! /= largest;
  v[start] = lead;
  return { scale: 2 / (lead * lead + rest), value: first < 0 ? norm * largest : -norm * largest };
}

/** A ← H·A·H on the lower triangle of rows and columns `start..n`, as a rank-two update. */
function reflectBothSides(
  a: Float64Array,
  n: number,
  start: number,
  v: Float64Array,
  w: Float64Array,
  scale: number,
): void {
  w.fill(0, start);
  for (let i = start; i < n; i++) {
    const row = i * n;
    const vi = v[i]!;
    let sum = a[row + i]! * vi;
    for (let j = start; j < i; j++) {
      const value = a[row + j]!;
      sum += value * v[j]!;
      w[j]! += value * vi;
    }
    w[i]! += sum;
  }
  let inner = 0;
  for (let i = start; i < n; i++) inner += v[i]! * w[i]!;
  const along = (scale * scale * inner) / 2;
  for (let i = start; i < n; i++) w[i] = scale * w[i]! - along * v[i]!;
  for (let i = start; i < n; i++) {
    const row = i * n;
    const vi = v[i]!;
    const wi = w[i]!;
    for (let j = start; j <= i; j++) a[row + j]! -= vi * w[j]! + wi * v[j]!;
  }
}

/** The product of the reflections, transposed: the basis whose rows the tridiagonal matrix is expressed in. */
async function multiplyOut(
  a: Float64Array,
  n: number,
  scales: Float64Array,
  pace: Pace,
): Promise<Float64Array> {
  const v = new Float64Array(n);
  const basis = new Float64Array(n * n);
  for (let i = 0; i < n; i++) basis[i * n + i] = 1;
  // From the last reflection to the first, so that each meets only the corner that differs from the identity.
  for (let k = n - 2; k >= 0; k--) {
    const start = k + 1;
    const scale = scales[k]!;
    if (scale === 0) continue;
    for (let i = start; i < n; i++) v[i] = a[i * n + k]!;
    for (let i = start; i < n; i++) {
      let along = 0;
      for (let j = start; j < n; j++) along += basis[i * n + j]! * v[j]!;
      along *= scale;
      for (let j = start; j < n; j++) basis[i * n + j]! -= along * v[j]!;
    }
    await pace.spend(2 * (n - start) ** 2);
  }
  return basis;
}
