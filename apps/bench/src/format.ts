/** Figures as people read them. */
import type { Work } from "./case.js";

/** Three significant digits or so: `1.23`, `45.6`, `789`, `12,300`. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return `${value}`;
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return digits > 6
    ? value.toExponential(2)
    : value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `100,000` */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** Durations in one unit, chosen by the first. */
export function durations(seconds: readonly number[]): {
  readonly texts: string[];
  readonly unit: string;
} {
  const first = seconds[0] ?? 0;
  const [unit, factor] =
    first >= 1
      ? (["s", 1] as const)
      : first >= 1e-3
        ? (["ms", 1e3] as const)
        : (["µs", 1e6] as const);
  return { texts: seconds.map((value) => figure(value * factor)), unit };
}

/** `285 GFLOP/s`, `21.3 GB/s`, `2.31 Mrow/s`, `410 step/s`. */
export function rateText(perSecond: number, unit: Work["unit"]): string {
  if (unit === "query" || unit === "step") return `${figure(perSecond)} ${unit}/s`;
  const [prefix, factor] = unit === "row" ? ["M", 1e6] : ["G", 1e9];
  return `${figure(perSecond / Number(factor))} ${prefix}${unit}/s`;
}

export function bytesText(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${figure(bytes / 1e9)} GB`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function times(ratio: number): string {
  return `${figure(ratio)}×`;
}
