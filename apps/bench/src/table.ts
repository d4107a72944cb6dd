/** Tables for a terminal of 100 columns. */
import type { Verdict } from "./evaluate.js";
import { bytesText } from "./format.js";
import type { CaseReport, ContenderReport } from "./results.js";
import { cellsOf, codeLines, COLUMNS, recallLines } from "./rows.js";

const LINE = 100;
/** Widths of the columns; with the gaps between them they fill a line. */
const WIDTHS = [28, 9, 12, 13, 7, 7, 10, 7];

/** A case, and below it what one must know to read it. */
export function formatCase(report: CaseReport): string {
  const lines = ["", ...wrap(`${report.name}: ${report.title}; ratios to ${report.reference}`)];
  if (report.skipped !== undefined) return [...lines, `  skipped: ${report.skipped}`].join("\n");
  lines.push(formatRow(COLUMNS));
  for (const entry of report.entries) {
    const cells = cellsOf(entry, report);
    lines.push(
      ...(cells.length === 2 ? wrap(`${pad(cells[0]!, 0)} ${cells[1]}`) : [formatRow(cells)]),
    );
  }
  const notes = [...recallLines(report), ...codeLines(report), ...report.notes];
  return [...lines, ...notes.flatMap((note) => wrap(`  ${note}`, 2))].join("\n");
}

/** What takes part, and with what it computes. */
export function formatContenders(contenders: readonly ContenderReport[]): string {
  return contenders
    .flatMap((contender) => wrap(`${contender.title.padEnd(24)} ${standingText(contender)}`, 25))
    .join("\n");
}

function standingText({ name, details = [], startBytes = 0, skipped }: ContenderReport): string {
  if (skipped !== undefined) return `skipped: ${skipped}`;
  return [name, ...details, `${bytesText(startBytes)} before any data`].join("; ");
}

/** The targets, met and missed. */
export function formatVerdicts(verdicts: readonly Verdict[]): string {
  return verdicts
    .map(({ case: name, target, measured, met }) =>
      [verdictText(met).padEnd(7), name.padEnd(21), target.padEnd(52), measured]
        .join(" ")
        .trimEnd(),
    )
    .join("\n");
}

export function verdictText(met: boolean | undefined): string {
  return met === undefined ? "?" : met ? "met" : "missed";
}

/** Breaks a line between words; what follows is indented. */
export function wrap(text: string, indent = 4): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > LINE) {
    const space = rest.lastIndexOf(" ", LINE);
    const end = space > indent ? space : LINE;
    lines.push(rest.slice(0, end).trimEnd());
    rest = " ".repeat(indent) + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

function formatRow(cells: readonly string[]): string {
  return cells.map(pad).join(" ").trimEnd();
}

function pad(cell: string, column: number): string {
  const width = WIDTHS[column]!;
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
