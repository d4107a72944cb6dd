import type { CompleteBackend, Matrix, Random } from "@tessera/core";
import { greedyPlusPlus } from "./greedy.js";
import { representatives, worthThinning } from "./representatives.js";

export interface PlusPlusOptions {
  readonly backend: CompleteBackend;
  readonly random: Random;
  /** Weight of each row. */
  readonly weights: ArrayLike<number>;
  readonly signal?: AbortSignal | undefined;
  /** Told how many rows are chosen, now and then. */
  readonly onChosen?: ((chosen: number) => unknown) | undefined;
}

/**
 * Chooses `count` rows by greedy k-means++ (Arthur and Vassilvitskii 2007, section 2.2 and the remark on several
 * candidates per step): 2 + ⌊ln k⌋ candidates are drawn with probability w·D², D being the distance to the nearest row
 * chosen so far, and the one that leaves the least Σ w·D² is chosen.
 *
 * Many rows are thinned to {@link representatives} first, since each of the `count` steps passes over all there are.
 *
 * @returns indices of rows; distinct rows unless there are too few
 */
export async function plusPlus(
  rows: Matrix,
  count: number,
  options: PlusPlusOptions,
): Promise<Uint32Array> {
  const { random } = options;
  let chosen: number[] = [];
  if (worthThinning(rows.rows, count)) {
    const { indices, weights } = await representatives(rows, count, options);
    const few = takeRows(rows, indices);
    const places = await greedyPlusPlus(few, Math.min(count, few.rows), { ...options, weights });
    chosen = places.map((place) => indices[place]!);
  }
  // Also where the representatives had too few distinct rows among them.
  if (chosen.length < count) chosen = await greedyPlusPlus(rows, count, options, chosen);
  // If all rows coincide with chosen ones, any row will do for the rest.
  while (chosen.length < count) chosen.push(random.integer(rows.rows));
  return Uint32Array.from(chosen);
}

function takeRows({ data, cols }: Matrix, indices: readonly number[]): Matrix {
  const taken = new Float32Array(indices.length * cols);
  indices.forEach((row, i) => taken.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return { data: taken, rows: indices.length, cols };
}
