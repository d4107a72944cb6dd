import type { CaseReport, Report } from "./results.js";
import { cellsOf, columnNames } from "./rows.js";

/** Widths of the columns; with the gaps between them a line has 100 characters. */
const WIDTHS = [28, 9, 13, 13, 7, 7, 10, 6];

/** A case as a table for a terminal. */
export function formatCase(report: CaseReport): string {
  const lines = ["", `${report.name}: ${report.title}`];
  if (report.skipped !== undefined) return [...lines, `  skipped: ${report.skipped}`].join("\n");
  lines.push(formatRow(columnNames(report)));
  for (const entry of report.entries) {
    const cells = cellsOf(entry, report);
    lines.push(cells.length === 2 ? `${pad(cells[0]!, 0)} ${cells[1]}` : formatRow(cells));
  }
  return [...lines, ...report.notes.map((note) => `  ${note}`)].join("\n");
}

/** What takes part, and with what it computes. */
export function formatContenders({ contenders }: Pick<Report, "contenders">): string {
  return contenders
    .map(({ title, name, details, skipped }) =>
      skipped === undefined
        ? `  ${title.padEnd(24)} ${[name, ...(details ?? [])].join("; ")}`
        : `  ${title.padEnd(24)} skipped: ${skipped}`,
    )
    .join("\n");
}

function formatRow(cells: readonly string[]): string {
  return cells.map(pad).join(" ").trimEnd();
}

function pad(cell: string, column: number): string {
  const width = WIDTHS[column]!;
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
