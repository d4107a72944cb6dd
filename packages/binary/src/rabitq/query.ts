import { ArgumentError, type Matrix, NonFiniteError, Random } from "@tessera/core";

/** Queries as the codes see them. */
export interface PreparedQueries {
  /** `[q, D]` */
  readonly rows: Matrix;
  /** ‖q‖² of each, before rounding. */
  readonly squares: Float64Array;
  /** The distance between two values that rounding leaves, of each; 0 where queries are not rounded. */
  readonly steps: Float64Array;
}

/**
 * Measures queries, and rounds each to 2^bits values from its least to its greatest, up or down at random, so that the
 * rounded query is the query on average (Gao and Long 2024, section 3.3.1).
 *
 * @param bits `undefined` leaves the queries as they are
 */
export function prepareQueries(
  queries: Matrix,
  bits: number | undefined,
  seed: number,
): PreparedQueries {
  if (bits !== undefined && bits !== 4 && bits !== 8) {
    throw new ArgumentError(`queryBits is ${bits}; it may be 4 or 8, or left out for no rounding`);
  }
  const { rows, cols } = queries;
  const squares = new Float64Array(rows);
  const steps = new Float64Array(rows);
  const data = bits === undefined ? queries.data : queries.data.slice();
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * cols, (i + 1) * cols);
    for (const value of row) squares[i] = squares[i]! + value * value;
    if (!Number.isFinite(Math.fround(squares[i]!))) throw new NonFiniteError(i, "query");
    if (bits !== undefined) {
      steps[i] = roundAtRandom(row, 2 ** bits - 1, new Random(seed).stream("query", i));
    }
  }
  return { rows: { data, rows, cols }, squares, steps };
}

/** Rounds values in place, up or down with the probability that keeps their mean; returns the step. */
function roundAtRandom(row: Float32Array, steps: number, random: Random): number {
  let least = Infinity;
  let greatest = -Infinity;
  for (const value of row) {
    least = Math.min(least, value);
    greatest = Math.max(greatest, value);
  }
  const step = (greatest - least) / steps;
  if (!(step > 0)) return 0;
  for (let j = 0; j < row.length; j++) {
    row[j] = least + step * Math.floor((row[j]! - least) / step + random.uniform());
  }
  return step;
}
