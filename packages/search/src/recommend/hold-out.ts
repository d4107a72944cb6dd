import {
  ArgumentError,
  type Matrix,
  NonFiniteError,
  Random,
  type Rows,
  sampleRows,
  withSampledRows,
} from "@tessera/core";
import { dotOf } from "../metric.js";

/** Rows to search, and rows to search for. */
export interface HeldOut {
  readonly base: Matrix;
  readonly queries: Matrix;
  /** Rows that there were to draw from. */
  readonly total: number;
}

/** Rows to search, unless the caller says how many: this many, and 256 MiB. */
const BASE_ROWS = 100_000;
const BASE_VALUES = 2 ** 26;
/** Queries: this many, and no more than one of so many rows. */
const QUERIES = 1000;
const ROWS_PER_QUERY = 10;

/**
 * Draws rows, and holds some of them out as queries.
 *
 * @param sample rows to draw beside the queries
 * @param k neighbours that there must be
 * @throws {ArgumentError} if there are too few rows
 * @throws {NonFiniteError} naming a row whose squared length is not finite
 */
export async function holdOut(
  rows: Rows,
  sample: number | undefined,
  k: number,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<HeldOut> {
  const random = new Random(seed).stream("recommend");
  const limit = (cols: number) => {
    const base = sample ?? Math.min(BASE_ROWS, Math.floor(BASE_VALUES / cols));
    return base + Math.min(QUERIES, Math.floor(base / (ROWS_PER_QUERY - 1)));
  };
  const drawn = await sampleRows(rows, limit, random, signal);
  const { matrix, total } = drawn;
  await withSampledRows(drawn, async () => checkLengths(matrix));
  const count = Math.min(QUERIES, Math.floor(matrix.rows / ROWS_PER_QUERY));
  const left = matrix.rows - count;
  if (count < 1 || left < k) {
    throw new ArgumentError(
      `of ${matrix.rows} rows none can be held out with ${k} neighbours left among the others`,
      { hint: "so few rows are searched exactly, without a quantizer" },
    );
  }
  const held = new Set(random.stream("queries").sample(matrix.rows, count));
  return {
    base: pick(matrix, left, (row) => !held.has(row)),
    queries: pick(matrix, count, (row) => held.has(row)),
    total,
  };
}

/** The `count` rows of which something is true. */
function pick({ data, rows, cols }: Matrix, count: number, is: (row: number) => boolean): Matrix {
  const picked = { data: new Float32Array(count * cols), rows: count, cols };
  for (let row = 0, at = 0; row < rows; row++) {
    if (!is(row)) continue;
    picked.data.set(data.subarray(row * cols, (row + 1) * cols), at++ * cols);
  }
  return picked;
}

function checkLengths({ data, rows, cols }: Matrix): void {
  for (let i = 0; i < rows; i++) {
    const square = dotOf(data, i * cols, data, i * cols, cols);
    if (!Number.isFinite(Math.fround(square))) throw new NonFiniteError(i);
  }
}
