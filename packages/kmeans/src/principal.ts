import {
  pause,
  sliceRows,
  symmetricEigen,
  throwIfAborted,
  type CompleteBackend,
  type Matrix,
  type MatmulOptions,
} from "@tessera/core";

/** Rows of a block. Fixed, so that sums depend on the rows alone. */
const BLOCK_ROWS = 4096;

export interface PrincipalRun {
  readonly backend: CompleteBackend;
  readonly signal: AbortSignal | undefined;
}

/**
 * The directions along which rows vary most, about the origin: eigenvectors of XᵀX. Products of a block are taken by the
 * backend in float32, blocks are added in float64.
 *
 * @param rows X `[n, d]`, of squares that add up to what float32 can hold
 * @returns `[d, d]`, orthonormal rows, the widest direction first
 */
export async function principalDirections(
  rows: Matrix,
  { backend, signal }: PrincipalRun,
): Promise<Matrix> {
  const { cols } = rows;
  const products = new Float64Array(cols * cols);
  for (const block of blocksOf(rows)) {
    await pause();
    throwIfAborted(signal);
    const part = await multiply(backend, block, block, { transposeA: true });
    for (let at = 0; at < part.length; at++) products[at]! += part[at]!;
  }
  const { vectors } = await symmetricEigen(products, cols, signal);
  return { data: Float32Array.from(vectors), rows: cols, cols };
}

/** `X·Vᵀ`: rows as coordinates along directions. */
export async function project(
  rows: Matrix,
  directions: Matrix,
  { backend, signal }: PrincipalRun,
): Promise<Matrix> {
  const data = new Float32Array(rows.rows * directions.rows);
  let at = 0;
  for (const block of blocksOf(rows)) {
    throwIfAborted(signal);
    const part = await multiply(backend, block, directions, { transposeB: true });
    data.set(part, at);
    at += part.length;
  }
  return { data, rows: rows.rows, cols: directions.rows };
}

/** `Y·V`: coordinates along directions as rows. */
export async function turnBack(
  coordinates: Matrix,
  directions: Matrix,
  { backend }: PrincipalRun,
): Promise<Matrix> {
  const data = await multiply(backend, coordinates, directions, {});
  return { data, rows: coordinates.rows, cols: directions.cols };
}

function* blocksOf(rows: Matrix): Generator<Matrix, void, undefined> {
  for (let start = 0; start < rows.rows; start += BLOCK_ROWS) {
    yield sliceRows(rows, start, Math.min(rows.rows, start + BLOCK_ROWS));
  }
}

function multiply(
  backend: CompleteBackend,
  a: Matrix,
  b: Matrix,
  options: MatmulOptions,
): Promise<Float32Array> {
  return backend.scope(() => {
    const left = backend.tensor(a.data, [a.rows, a.cols]);
    const right = a === b ? left : backend.tensor(b.data, [b.rows, b.cols]);
    // In an object, since a scope takes a promise for a mistake.
    return { read: backend.matmul(left, right, options).read() };
  }).read;
}
