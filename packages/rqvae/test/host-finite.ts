/** What FSQ makes of a value but for the rounding (Mentzer et al. 2023, appendix A.1), in values within about −1..1. */
export function bounded(value: number, levels: number): number {
  const half = ((levels - 1) * 1.001) / 2;
  if (levels === 2) return 2 * half * Math.tanh(value);
  const offset = levels % 2 === 0 ? 0.5 : 0;
  const shift = Math.atanh(offset / half);
  return (Math.tanh(value + shift) * half - offset) / Math.floor(levels / 2);
}

export function rounded(value: number, levels: number): number {
  if (levels === 2) return value > 0 ? 1 : -1;
  const steps = Math.floor(levels / 2);
  return Math.round(steps * bounded(value, levels)) / steps;
}
