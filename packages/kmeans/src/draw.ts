import type { Random } from "@tessera/core";

/**
 * Distinct rows drawn with probability w·D²; none if all are 0.
 *
 * @param squares D² of each row
 * @param cumulative room for as many sums
 * @param count draws, of which some may fall on the same row
 */
export function drawByWeight(
  weights: ArrayLike<number>,
  squares: Float64Array,
  cumulative: Float64Array,
  count: number,
  random: Random,
): number[] {
  let total = 0;
  for (let i = 0; i < squares.length; i++) {
    total += weights[i]! * squares[i]!;
    cumulative[i] = total;
  }
  if (!(total > 0)) return [];
  const drawn = new Set<number>();
  for (let t = 0; t < count; t++) drawn.add(firstAbove(cumulative, random.uniform() * total));
  return [...drawn];
}

/** The first index whose cumulative sum exceeds the value, so never one that added nothing. */
function firstAbove(cumulative: Float64Array, value: number): number {
  let low = 0;
  let high = cumulative.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cumulative[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
