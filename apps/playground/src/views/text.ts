/** A time in words that fit it: `12 ms`, `3.4 s`, `2 min 5 s`. */
export function seconds(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const all = milliseconds / 1000;
  if (all < 60) return `${all.toFixed(1)} s`;
  return `${Math.floor(all / 60)} min ${Math.round(all % 60)} s`;
}

/** Three significant digits, without an exponent where that stays short. */
export function figure(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
