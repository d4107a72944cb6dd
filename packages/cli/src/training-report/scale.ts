/** Where values stand on an axis, and which of them are written beside it. */
export interface Scale {
  readonly ticks: readonly number[];
  /** From 0 at the low end to 1 at the high end. */
  at(value: number): number;
}

/** The least of 1, 2 and 5 times a power of ten that is no less than `rough`. */
function stepOf(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough * (1 - 1e-9))!;
}

function rounded(tick: number): number {
  return Number(tick.toPrecision(12));
}

/** From a tick to a tick, about `count` steps apart. */
export function linearScale(low: number, high: number, count = 4): Scale {
  const step = stepOf((high > low ? high - low : 1) / count);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  // Whole numbers of steps, so that 0.3 is not 0.30000000000000004.
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => rounded((first + i) * step));
  return { ticks, at: (value) => (value / step - first) / (last - first) };
}

/** For values above 0 that differ by factors. */
export function logScale(low: number, high: number): Scale {
  const [from, to] = [Math.log10(low), Math.log10(high > low ? high : low * 10)];
  const decades = to - from;
  // Of many decades only every so many is written; of few, 2 and 5 as well.
  const every = Math.max(1, Math.ceil(decades / 5));
  const factors = decades > 2.5 ? [1] : decades > 1 ? [1, 3] : [1, 2, 3, 5, 7];
  const ticks: number[] = [];
  for (let power = Math.floor(from); power <= to; power++) {
    if (every > 1 && power % every !== 0) continue;
    for (const factor of factors) {
      const tick = rounded(factor * 10 ** power);
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return { ticks, at: (value) => (Math.log10(value) - from) / (to - from) };
}
