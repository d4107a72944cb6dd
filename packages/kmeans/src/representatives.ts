import { type Matrix, throwIfAborted } from "@tessera/core";
import { drawByWeight } from "./draw.js";
import type { PlusPlusOptions } from "./plus-plus.js";

/**
 * Rounds, in each of which as many rows are drawn as codewords are wanted. Two are too few for clusters that are far apart;
 * after three, fits end as well as from greedy k-means++ on all rows.
 */
const ROUNDS = 3;

/** Whether there are so many rows that thinning them costs less than it saves. */
export function worthThinning(rows: number, count: number): boolean {
  return rows > 16 * count;
}

export interface Representatives {
  /** Of rows. */
  readonly indices: readonly number[];
  /** The weight of the rows that each is the nearest to. */
  readonly weights: Float64Array;
}

/**
 * Thins rows to some that stand for all, each with the weight of the rows around it (k-means||, Bahmani et al. 2012).
 *
 * Each round draws rows with probability w·D², D being the distance to the nearest row drawn in earlier rounds, and finds
 * how near they are to the rows: one `assign`, where k-means++ takes a pass over the rows for each codeword.
 *
 * @returns none if the distances are out of float32's range
 */
export async function representatives(
  rows: Matrix,
  count: number,
  { backend, random, weights, signal }: PlusPlusOptions,
): Promise<Representatives> {
  const { data, cols } = rows;
  const n = rows.rows;
  const indices: number[] = [];
  const closest = new Float64Array(n).fill(1);
  const nearest = new Int32Array(n);
  const cumulative = new Float64Array(n);
  const x = backend.borrow(data, [n, cols]);
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      throwIfAborted(signal);
      const draws = round === 0 ? 1 : count;
      const drawn = drawByWeight(weights, closest, cumulative, draws, random);
      if (drawn.length === 0) break;
      const values = new Float32Array(drawn.length * cols);
      drawn.forEach((row, i) => values.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
      const reads = backend.scope(() => {
        const { codes, distances } = backend.assign(
          x,
          backend.tensor(values, [1, drawn.length, cols]),
        );
        // In an object, since a scope takes a promise for a mistake.
        return { codes: codes.read(), distances: distances.read() };
      });
      const [codes, distances] = await Promise.all([reads.codes, reads.distances]);
      if (round === 0) closest.fill(Infinity);
      for (let i = 0; i < n; i++) {
        if (distances[i]! >= closest[i]!) continue;
        closest[i] = distances[i]!;
        nearest[i] = indices.length + codes[i]!;
      }
      indices.push(...drawn);
    }
  } finally {
    x.dispose();
  }
  const gathered = new Float64Array(indices.length);
  for (let i = 0; i < n; i++) gathered[nearest[i]!]! += weights[i]!;
  return { indices, weights: gathered };
}
