import { ArgumentError } from "../errors.js";
import { Pace } from "./pace.js";
import { type Tridiagonal, tridiagonalize } from "./tridiagonal.js";

export interface SymmetricEigen {
  /** `[n]`, largest first. */
  readonly values: Float64Array;
  /** Row i is the eigenvector of value i, `[n, n]`; the rows are orthonormal. */
  readonly vectors: Float64Array;
}

/** Sweeps that an eigenvalue may take. Two are usual; the shift makes convergence cubic. */
const MOST_SWEEPS = 60;

/**
 * Eigenvalues and eigenvectors of a symmetric matrix in float64: Householder's reduction to tridiagonal form, then
 * implicit QL iterations with Wilkinson's shift (Golub and Van Loan, "Matrix Computations", section 8.3). About 5 n³
 * multiplications: 0.5 s for n = 512.
 *
 * Equal eigenvalues keep the order in which the iteration finds them. The sign of each vector is fixed: its entry of
 * largest magnitude, the first of equals, is positive.
 *
 * @param matrix `[n, n]`, of which the lower triangle is read; finite
 */
export async function symmetricEigen(
  matrix: Float64Array,
  n: number,
  signal?: AbortSignal,
): Promise<SymmetricEigen> {
  const pace = new Pace(signal);
  const reduced = await tridiagonalize(matrix, n, pace);
  await diagonalize(reduced, n, pace);
  const { diagonal, basis } = reduced;
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    const vector = basis.subarray(from * n, (from + 1) * n);
    const sign = signOfLargest(vector);
    for (let j = 0; j < n; j++) vectors[to * n + j] = sign * vector[j]!;
  });
  return { values: Float64Array.from(order, (i) => diagonal[i]!), vectors };
}

/** Implicit QL: turns the diagonal into eigenvalues and the rows of the basis into eigenvectors, in place. */
async function diagonalize(
  { diagonal: d, offDiagonal: e, basis }: Tridiagonal,
  n: number,
  pace: Pace,
): Promise<void> {
  for (let l = 0; l < n; l++) {
    for (let sweep = 0; ; sweep++) {
      let end = l;
      while (end < n - 1 && !isNegligible(e[end]!, d[end]!, d[end + 1]!)) end++;
      if (end === l) break;
      if (sweep === MOST_SWEEPS) {
        throw new ArgumentError("the eigenvalues of the matrix were not found", {
          hint: "check that its values are finite",
        });
      }
      sweepUp(d, e, basis, n, l, end);
      await pace.spend(4 * n * (end - l));
    }
  }
}

/** One QL sweep on rows `l..end`: plane rotations chase the bulge that the shift makes from the bottom to the top. */
function sweepUp(
  d: Float64Array,
  e: Float64Array,
  basis: Float64Array,
  n: number,
  l: number,
  end: number,
): void {
  // Wilkinson's shift: the eigenvalue of the leading 2 × 2 block that is nearer to its corner.
  const half = (d[l + 1]! - d[l]!) / (2 * e[l]!);
  const shift = d[l]! - e[l]! / (half + Math.sign(half || 1) * Math.hypot(half, 1));
  let g = d[end]! - shift;
  let sine = 1;
  let cosine = 1;
  let correction = 0;
  for (let i = end - 1; i >= l; i--) {
    const f = sine * e[i]!;
    const b = cosine * e[i]!;
    const r = Math.hypot(f, g);
    e[i + 1] = r;
    if (r === 0) {
      // The matrix has split here; the next sweep takes up the part above.
      d[i + 1]! -= correction;
      e[end] = 0;
      return;
    }
    sine = f / r;
    cosine = g / r;
    g = d[i + 1]! - correction;
    const t = (d[i]! - g) * sine + 2 * cosine * b;
    correction = sine * t;
    d[i + 1] = g + correction;
    g = cosine * t - b;
    rotateRows(basis, n, i, cosine, sine);
  }
  d[l]! -= correction;
  e[l] = g;
  e[end] = 0;
}

/** Rows i and i + 1 of the basis, turned in their plane. */
function rotateRows(basis: Float64Array, n: number, i: number, cosine: number, sine: number): void {
  for (let a = i * n, b = a + n, stop = b; a < stop; a++, b++) {
    const upper = basis[a]!;
    const lower = basis[b]!;
    basis[b] = sine * upper + cosine * lower;
    basis[a] = cosine * upper - sine * lower;
  }
}

function isNegligible(offDiagonal: number, above: number, below: number): boolean {
  const scale = Math.abs(above) + Math.abs(below);
  return scale + Math.abs(offDiagonal) === scale;
}

function signOfLargest(vector: Float64Array): 1 | -1 {
  let largest = 0;
  for (const value of vector) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest < 0 ? -1 : 1;
}
