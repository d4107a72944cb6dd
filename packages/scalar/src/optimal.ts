import type { Range } from "./range.js";

/** Rounds of fitting that a start is given. */
const ROUNDS = 60;
/** A start ends when a round lowers the error by less than this share. */
const TOLERANCE = 1e-6;

/**
 * The range of `count` even levels with the least squared error, as far as descent finds it: values go to their nearest
 * levels, a line through (code, value) by least squares gives the next levels, and so on. It starts from the range of the
 * values and from that which is best for normal values; the better end is kept, and never is it worse than the range of
 * the values.
 *
 * @param deviations what is best for normal values, in standard deviations on either side
 */
export function optimalRange(count: number, deviations: number, sorted: Float32Array): Range {
  const values = new SortedValues(sorted);
  const whole = { lower: values.min, upper: values.max };
  if (values.min === values.max) return whole;
  const reach = deviations * values.deviation;
  const normal = { lower: values.mean - reach, upper: values.mean + reach };
  let best = { range: whole, error: values.sumsOf(count, whole).error };
  for (const start of [whole, normal]) {
    const found = descend(count, values, start);
    if (found.error < best.error) best = found;
  }
  return best.range;
}

interface Candidate {
  readonly range: Range;
  readonly error: number;
}

function descend(count: number, values: SortedValues, start: Range): Candidate {
  let best: Candidate = { range: start, error: Infinity };
  let range = start;
  for (let round = 0; round < ROUNDS; round++) {
    range = values.within(range);
    const sums = values.sumsOf(count, range);
    if (!(sums.error < best.error * (1 - TOLERANCE))) break;
    best = { range, error: sums.error };
    const { n, code, square, value, product } = sums;
    const spread = n * square - code * code;
    if (spread === 0) break;
    const step = (n * product - code * value) / spread;
    const lower = (value - step * code) / n + values.mean;
    range = { lower, upper: lower + step * (count - 1) };
  }
  return best;
}

/** Values whose sums over any interval cost no more than finding its ends. */
class SortedValues {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly deviation: number;
  readonly #sorted: Float32Array;
  /** Sums of the first i values less the mean. */
  readonly #sums: Float64Array;
  readonly #squares: number;

  constructor(sorted: Float32Array) {
    this.#sorted = sorted;
    this.min = sorted[0]!;
    this.max = sorted.at(-1)!;
    this.mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    this.#sums = new Float64Array(sorted.length + 1);
    let squares = 0;
    for (let i = 0; i < sorted.length; i++) {
      const value = sorted[i]! - this.mean;
      this.#sums[i + 1] = this.#sums[i]! + value;
      squares += value * value;
    }
    this.#squares = squares;
    this.deviation = Math.sqrt(squares / sorted.length);
  }

  /** The part of a range that values lie in. */
  within({ lower, upper }: Range): Range {
    const inside = { lower: Math.max(lower, this.min), upper: Math.min(upper, this.max) };
    return inside.lower <= inside.upper ? inside : { lower: this.min, upper: this.max };
  }

  /** Over all values with their codes: what least squares needs (of values less the mean), and the squared error. */
  sumsOf(count: number, { lower, upper }: Range) {
    const step = (upper - lower) / (count - 1);
    const n = this.#sorted.length;
    let [code, square, product, from] = [0, 0, 0, 0];
    for (let k = 0; k < count && from < n; k++) {
      const to = k + 1 === count ? n : this.#countBelow(lower + (k + 0.5) * step, from);
      code += k * (to - from);
      square += k * k * (to - from);
      product += k * (this.#sums[to]! - this.#sums[from]!);
      from = to;
    }
    const value = this.#sums[n]!;
    const origin = lower - this.mean;
    const error =
      this.#squares +
      n * origin * origin +
      step * step * square +
      2 * (origin * step * code - origin * value - step * product);
    return { n, code, square, value, product, error };
  }

  /** Number of values below a bound, which at least the first `from` are. */
  #countBelow(bound: number, from: number): number {
    let low = from;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! < bound) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
