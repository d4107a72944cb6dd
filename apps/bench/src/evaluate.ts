import { bytesText, figure, percent, times } from "./format.js";
import {
  type CaseReport,
  entryNamed,
  type EntryReport,
  medianSeconds,
  speedRatio,
} from "./results.js";
import type { Condition, Target } from "./targets.js";

export interface Verdict {
  readonly case: string;
  /** What was asked for, such as `native ≥ 7.00× faiss`. */
  readonly target: string;
  /** What was found, as text. */
  readonly measured: string;
  /** Undefined if something that it takes was not measured. */
  readonly met: boolean | undefined;
}

/** Holds the targets against the cases that ran; one verdict for each target and each case that it names. */
export function evaluateTargets(
  targets: readonly Target[],
  cases: readonly CaseReport[],
): Verdict[] {
  return targets.flatMap((target) => {
    const names = new RegExp(`^(${target.cases})$`);
    return cases
      .filter(({ name, skipped }) => names.test(name) && skipped === undefined)
      .map((report) => evaluate(target, report));
  });
}

function evaluate({ oneOf }: Target, report: CaseReport): Verdict {
  const found = oneOf.map((condition) => ({ condition, value: measure(condition, report) }));
  const known = found.filter(({ value }) => value !== undefined);
  return {
    case: report.name,
    target: oneOf.map(describe).join(" or "),
    measured:
      known.length === 0
        ? "not measured"
        : known.map(({ condition, value }) => valueText(condition, value!)).join(" or "),
    met:
      known.length === 0
        ? undefined
        : known.some(({ condition, value }) => holds(condition, value!)),
  };
}

function holds({ atLeast = -Infinity, atMost = Infinity }: Condition, value: number): boolean {
  return value >= atLeast && value <= atMost;
}

function measure({ measure, entry, against }: Condition, report: CaseReport): number | undefined {
  const own = entryNamed(report, entry);
  const others = against.map((name) => entryNamed(report, name));
  switch (measure) {
    case "speed":
      return least(others.map((other) => speedRatio(own, other)));
    case "ceiling":
      return own?.ceiling === undefined
        ? undefined
        : speedRatio(own, entryNamed(report, own.ceiling));
    case "quality":
    case "missed":
      return most(others.map((other) => ratio(own?.quality, other?.quality)));
    case "memory":
      return most(others.map((other) => ratio(own?.peakBytes, other?.peakBytes)));
    case "bytes":
      return finished(own)?.peakBytes;
    case "seconds":
      return medianSeconds(own);
    case "distortion":
      return own?.quality;
    case "distinct":
      return own?.codes?.distinct;
    case "usage":
      return own?.codes?.leastUsage;
  }
}

function finished(entry: EntryReport | undefined): EntryReport | undefined {
  return entry?.seconds === undefined ? undefined : entry;
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a / b;
}

/** Of the others, the best makes the least ratio of speeds and the greatest of what should be small. */
function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function most(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function describe(condition: Condition): string {
  const { measure, entry, against, atLeast, atMost } = condition;
  const [sign, bound] = atLeast === undefined ? ["≤", atMost ?? Infinity] : ["≥", atLeast];
  const peer = against[0] ?? "";
  switch (measure) {
    case "speed":
      return `${entry} ${sign} ${bound}× ${peer}`;
    case "ceiling":
      return `${entry} ${sign} ${percent(bound)} of its ceiling`;
    case "quality":
      return `${entry}: distortion ${sign} ${bound}× ${peer}`;
    case "missed":
      return `${entry}: missed neighbours ${sign} ${bound}× ${peer}`;
    case "memory":
      return `${entry}: peak memory ${sign} ${bound}× ${peer}`;
    case "bytes":
      return `${entry}: peak memory ${sign} ${bytesText(bound)}`;
    case "seconds":
      return `${entry} ${sign} ${bound} s`;
    case "distortion":
      return `${entry}: distortion ${sign} ${bound}`;
    case "distinct":
      return `${entry}: distinct rows of codes ${sign} ${bound}`;
    case "usage":
      return `${entry}: codewords in use ${sign} ${bound}`;
  }
}

function valueText({ measure }: Condition, value: number): string {
  switch (measure) {
    case "ceiling":
      return `${(value * 100).toFixed(1)} %`;
    case "bytes":
      return bytesText(value);
    case "quality":
    case "missed":
      return `${value.toFixed(4)}×`;
    case "seconds":
      return `${figure(value)} s`;
    case "distortion":
    case "distinct":
    case "usage":
      return value.toFixed(4);
    default:
      return times(value);
  }
}
