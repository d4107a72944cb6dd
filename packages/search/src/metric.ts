import { ArgumentError, checkMatrix, type Matrix, NonFiniteError, ShapeError } from "@tessera/core";

/**
 * What search minimises. `l2`: the squared Euclidean distance. `ip`: the negative inner product. `cosine`: one minus the
 * cosine of the angle; a row or query of zeros has the cosine 0.
 */
export type Metric = "l2" | "ip" | "cosine";

const METRICS: readonly unknown[] = ["l2", "ip", "cosine"] satisfies Metric[];

/** @throws {ArgumentError} if a metric from outside is none */
export function checkMetric(metric: unknown): void {
  if (!METRICS.includes(metric)) {
    throw new ArgumentError(`metric is "${String(metric)}"; it must be l2, ip or cosine`);
  }
}

/** @throws {ShapeError | NonFiniteError} naming the query that a search cannot take */
export function checkQueries(queries: Matrix, dimension: number): void {
  checkMatrix(queries, "queries");
  const { data, cols } = queries;
  if (cols !== dimension) {
    throw new ShapeError(`the queries have ${cols} values; the index holds rows of ${dimension}`);
  }
  for (let start = 0, row = 0; start < data.length; start += cols, row++) {
    if (!Number.isFinite(Math.fround(dotOf(data, start, data, start, cols)))) {
      throw new NonFiniteError(row, "query");
    }
  }
}

/** Rows at unit length; a row of zeros stays. */
export function unitRows(rows: Matrix): Matrix {
  const { cols } = rows;
  const data = new Float32Array(rows.data.length);
  for (let start = 0; start < data.length; start += cols) {
    const norm = Math.sqrt(dotOf(rows.data, start, rows.data, start, cols));
    const by = norm === 0 ? 0 : 1 / norm;
    for (let at = start; at < start + cols; at++) data[at] = rows.data[at]! * by;
  }
  return { data, rows: rows.rows, cols };
}

/** The length of each row, inverted; 0 for a row of zeros. */
export function inverseNorms({ data, rows, cols }: Matrix): Float32Array {
  const inverse = new Float32Array(rows);
  for (let i = 0; i < rows; i++) {
    const square = dotOf(data, i * cols, data, i * cols, cols);
    inverse[i] = square === 0 ? 0 : 1 / Math.sqrt(square);
  }
  return inverse;
}

/** The squared length of each row. */
export function squaredNorms({ data, rows, cols }: Matrix): Float32Array {
  const squares = new Float32Array(rows);
  for (let i = 0; i < rows; i++) squares[i] = dotOf(data, i * cols, data, i * cols, cols);
  return squares;
}

/** Distance of two vectors that lie in two arrays, in float64. */
export function distanceOf(
  metric: Metric,
  a: Float32Array,
  aStart: number,
  b: Float32Array,
  bStart: number,
  length: number,
): number {
  if (metric === "l2") {
    let sum = 0;
    for (let j = 0; j < length; j++) sum += (a[aStart + j]! - b[bStart + j]!) ** 2;
    return sum;
  }
  const product = dotOf(a, aStart, b, bStart, length);
  if (metric === "ip") return -product;
  const squares = dotOf(a, aStart, a, aStart, length) * dotOf(b, bStart, b, bStart, length);
  return squares === 0 ? 1 : 1 - product / Math.sqrt(squares);
}

/** Inner product in float64. */
export function dotOf(
  a: Float32Array,
  aStart: number,
  b: Float32Array,
  bStart: number,
  length: number,
): number {
  let sum = 0;
  for (let j = 0; j < length; j++) sum += a[aStart + j]! * b[bStart + j]!;
  return sum;
}
