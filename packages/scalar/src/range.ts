import { normalTail } from "./gaussian.js";

/** Where the first and the last of some levels lie. */
export interface Range {
  readonly lower: number;
  readonly upper: number;
}

/** The mean and so many standard deviations to either side, within the values' range. */
export function normalRange(
  deviations: number,
  { min, max, mean, deviation }: Readonly<Record<"min" | "max" | "mean" | "deviation", number>>,
): Range {
  const reach = deviations * deviation;
  return { lower: Math.max(min, mean - reach), upper: Math.min(max, mean + reach) };
}

/** Between the quantiles that leave outside as much as so many standard deviations do of normal values. */
export function quantileRange(deviations: number, sorted: Float32Array): Range {
  const outside = normalTail(deviations);
  return { lower: quantile(sorted, outside), upper: quantile(sorted, 1 - outside) };
}

/** The value below which this share of the values lies, between neighbours in proportion. */
function quantile(sorted: Float32Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const value = sorted[below]!;
  const above = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return value + (place - below) * (above - value);
}

/** Of a range, the first level and the largest step in float32 that does not lead beyond the last. */
export function stepsOf(count: number, { lower, upper }: Range): { lower: number; step: number } {
  const first = Math.fround(lower);
  const last = Math.fround(upper);
  const step = new Float32Array(1);
  const bits = new Uint32Array(step.buffer);
  const fits = (): boolean => Math.fround(first + Math.fround((count - 1) * step[0]!)) <= last;
  step[0] = Math.max(0, (last - first) / (count - 1));
  if (fits()) return { lower: first, step: step[0] };
  // The bits of positive numbers are in the numbers' order.
  let [good, bad] = [0, bits[0]!];
  while (bad - good > 1) {
    bits[0] = Math.floor((good + bad) / 2);
    if (fits()) good = bits[0];
    else bad = bits[0];
  }
  bits[0] = good;
  return { lower: first, step: step[0] };
}
