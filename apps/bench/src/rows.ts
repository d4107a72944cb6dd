import { bytesText, durations, percent, rateText, times } from "./format.js";
import {
  type CaseReport,
  entryNamed,
  type EntryReport,
  medianSeconds,
  rate,
  speedRatio,
} from "./results.js";

/** The columns of a case's table; the terminal and the README show the same. */
export const COLUMNS = ["", "median", "min–max", "rate", "ratio", "ceiling", "quality", "peak"];

/** An entry's cells, or its name and what went wrong with it. */
export function cellsOf(entry: EntryReport, report: CaseReport): string[] {
  const { title, seconds, work, quality, peakBytes, problem } = entry;
  const median = medianSeconds(entry);
  if (seconds === undefined || median === undefined) return [title, problem ?? "no times"];
  const { texts, unit } = durations([median, Math.min(...seconds), Math.max(...seconds)]);
  const ratio = entry.isCeiling
    ? undefined
    : speedRatio(entry, entryNamed(report, report.reference));
  const share =
    entry.ceiling === undefined ? undefined : speedRatio(entry, entryNamed(report, entry.ceiling));
  return [
    title,
    `${texts[0]} ${unit}`,
    `${texts[1]}–${texts[2]}`,
    work === undefined ? "" : rateText(rate(entry)!, work.unit),
    ratio === undefined ? "" : times(ratio),
    share === undefined ? "" : percent(share),
    quality === undefined ? (problem ?? "") : qualityText(quality),
    peakBytes === undefined ? "" : bytesText(peakBytes),
  ];
}

function qualityText(quality: number): string {
  return quality === 0 ? "0" : quality.toPrecision(6);
}

/** Of models that name rows: how their codes stand, and how far apart the entries are. */
export function codeLines({ entries }: CaseReport): string[] {
  const named = entries.filter(({ codes }) => codes !== undefined);
  const lines = named.map(({ title, codes }) => {
    const { distinct, leastUsage } = codes!;
    return `${title}: ${distinct.toFixed(4)} of the rows have codes of their own; ${leastUsage.toFixed(3)} of the codewords of the least used level are in use`;
  });
  if (named.length < 2) return lines;
  const over = (name: string, values: readonly number[], digits: number): string => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const ends = [Math.min(...values), mean, Math.max(...values)];
    return `${name} ${ends.map((value) => value.toFixed(digits)).join(" / ")}`;
  };
  const known = (values: readonly (number | undefined)[]) =>
    values.filter((value) => value !== undefined);
  return [
    ...lines,
    `Least / mean / greatest: ${[
      over("distortion", known(named.map(({ quality }) => quality)), 4),
      over(
        "distinct",
        named.map(({ codes }) => codes!.distinct),
        4,
      ),
      over("seconds", known(named.map(medianSeconds)), 0),
    ].join("; ")}`,
  ];
}

/** Of a search: what each entry found, and the size of what it searched. */
export function recallLines({ entries }: CaseReport): string[] {
  return entries.flatMap(({ title, recall, bytesPerVector }) => {
    if (recall === undefined) return [];
    const shares = [recall.at1, recall.at10, recall.at100].map((share) => share.toFixed(3));
    const bytes = bytesPerVector === undefined ? "" : `; ${bytesPerVector} bytes a vector`;
    return [`${title}: recall@1/10/100 ${shares.join(" / ")}${bytes}`];
  });
}
