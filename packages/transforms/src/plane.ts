import { type Matrix, pause, Random, throwIfAborted } from "@tessera/core";

/** The plane through the rows' mean that keeps most of their variance. */
export interface Plane {
  readonly mean: Float64Array;
  /** Orthonormal; zeros where the rows have no extent in a second direction. */
  readonly axes: readonly [Float64Array, Float64Array];
}

/** Rows drawn on such a plane. */
export interface PlaneMap {
  /** `[rows, 2]`: coordinates along the first and the second principal component. */
  readonly points: Float32Array;
  /** Share of the rows' variance along each of the two. */
  readonly explained: readonly [number, number];
  readonly plane: Plane;
}

/** Directions iterated besides the two wanted ones, which makes these converge sooner (Halko et al. 2011, section 4.5). */
const SPARE = 4;
const MOST_ITERATIONS = 40;
/** Stop when the variance caught changes by less than this share. */
const TOLERANCE = 1e-5;

/**
 * Principal component analysis onto two dimensions, by subspace iteration on the centred rows: no d × d matrix is made.
 * The same rows give the same picture; each axis points to where its largest loading is positive.
 *
 * @param rows `[n, d]`, n ≥ 1
 */
export async function mapToPlane(rows: Matrix, signal?: AbortSignal): Promise<PlaneMap> {
  const mean = meanOf(rows);
  const centred = centre(rows, mean);
  const { cols } = rows;
  const count = Math.min(2 + SPARE, cols);
  const random = new Random(0).stream("pca");
  let basis: Float64Array[] = Array.from({ length: count }, () =>
    Float64Array.from({ length: cols }, () => random.normal()),
  );
  orthonormalize(basis);
  let caught = 0;
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration++) {
    await pause();
    throwIfAborted(signal);
    const image = applyCovariance(centred, basis);
    const before = caught;
    caught = image.reduce((sum, vector, i) => sum + dot(vector, basis[i]!), 0);
    orthonormalize(image);
    basis = image;
    if (Math.abs(caught - before) <= TOLERANCE * caught) break;
  }
  const plane = { mean, axes: principalAxes(centred, basis) };
  const points = projectOnPlane(rows, plane);
  return { points, explained: sharesOf(centred, points), plane };
}

/** Coordinates `[n, 2]` of rows on a plane: of other rows, or of codewords. */
export function projectOnPlane(rows: Matrix, { mean, axes }: Plane): Float32Array {
  const { data, cols } = rows;
  const points = new Float32Array(2 * rows.rows);
  for (let i = 0; i < rows.rows; i++) {
    axes.forEach((axis, j) => {
      let sum = 0;
      for (let c = 0; c < cols; c++) sum += (data[i * cols + c]! - mean[c]!) * axis[c]!;
      points[2 * i + j] = sum;
    });
  }
  return points;
}

/** Turns the basis within its span so that the first two vectors are the principal components. */
function principalAxes(centred: Matrix, basis: readonly Float64Array[]): Plane["axes"] {
  const image = applyCovariance(centred, basis);
  const rotation = eigenvectors(basis.map((a) => image.map((b) => dot(a, b))));
  const axisOf = (weights: readonly number[] = []): Float64Array => {
    const axis = new Float64Array(centred.cols);
    weights.forEach((weight, i) => addScaled(axis, basis[i]!, weight));
    let largest = 0;
    for (const value of axis) if (Math.abs(value) > Math.abs(largest)) largest = value;
    return largest < 0 ? axis.map((value) => -value) : axis;
  };
  return [axisOf(rotation[0]), axisOf(rotation[1])];
}

/** Share of the variance along each coordinate. */
function sharesOf({ data }: Matrix, points: Float32Array): PlaneMap["explained"] {
  let total = 0;
  for (const value of data) total += value * value;
  const share = (from: number): number => {
    let sum = 0;
    for (let i = from; i < points.length; i += 2) sum += points[i]! * points[i]!;
    return total === 0 ? 0 : sum / total;
  };
  return [share(0), share(1)];
}

function meanOf({ data, rows, cols }: Matrix): Float64Array {
  const mean = new Float64Array(cols);
  for (let at = 0; at < data.length; at++) mean[at % cols]! += data[at]!;
  return mean.map((sum) => sum / rows);
}

function centre({ data, rows, cols }: Matrix, mean: Float64Array): Matrix {
  const centred = new Float32Array(data.length);
  for (let at = 0; at < data.length; at++) centred[at] = data[at]! - mean[at % cols]!;
  return { data: centred, rows, cols };
}

/** Xᵀ(X v) of each vector v, in one pass over the rows. */
function applyCovariance(centred: Matrix, vectors: readonly Float64Array[]): Float64Array[] {
  const { data, rows, cols } = centred;
  const images = vectors.map(() => new Float64Array(cols));
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    vectors.forEach((vector, j) => addScaled(images[j]!, row, dot(vector, row)));
  }
  return images;
}

/** Modified Gram–Schmidt, twice for accuracy. A vector that depends on those before it becomes zero. */
function orthonormalize(vectors: Float64Array[]): void {
  vectors.forEach((vector, i) => {
    const before = Math.sqrt(dot(vector, vector));
    for (let pass = 0; pass < 2; pass++) {
      for (const earlier of vectors.slice(0, i)) addScaled(vector, earlier, -dot(vector, earlier));
    }
    const norm = Math.sqrt(dot(vector, vector));
    const scale = norm > 1e-10 * before ? 1 / norm : 0;
    vector.forEach((value, j) => {
      vector[j] = value * scale;
    });
  });
}

/** Eigenvectors of a small symmetric matrix, largest eigenvalue first (cyclic Jacobi rotations). */
function eigenvectors(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const a = matrix.map((row, i) => row.map((value, j) => (value + matrix[j]![i]!) / 2));
  const v = a.map((_, i) => a.map((__, j) => (i === j ? 1 : 0)));
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p]![q] === 0) continue;
        const theta = Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!) / 2;
        rotate(a, v, p, q, Math.cos(theta), Math.sin(theta));
      }
    }
  }
  const order = a.map((_, i) => i).sort((i, j) => a[j]![j]! - a[i]![i]!);
  return order.map((i) => v.map((row) => row[i]!));
}

function rotate(a: number[][], v: number[][], p: number, q: number, c: number, s: number): void {
  const columns = (rows: number[][]) => {
    for (const row of rows) {
      const [x, y] = [row[p]!, row[q]!];
      row[p] = c * x - s * y;
      row[q] = s * x + c * y;
    }
  };
  columns(a);
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [a[p]![k]!, a[q]![k]!];
    a[p]![k] = c * x - s * y;
    a[q]![k] = s * x + c * y;
  }
  columns(v);
}

function dot(a: Float64Array, b: Float64Array | Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(into: Float64Array, vector: Float64Array | Float32Array, scale: number): void {
  for (let i = 0; i < into.length; i++) into[i] = into[i]! + vector[i]! * scale;
}
