/** What `--json` wrote, as the README shows it. */
import { evaluateTargets } from "./evaluate.js";
import { bytesText } from "./format.js";
import type { CaseReport, Report } from "./results.js";
import { cellsOf, codeLines, COLUMNS, recallLines } from "./rows.js";
import { verdictText } from "./table.js";
import { TARGETS } from "./targets.js";

export function renderMarkdown(report: Report): string {
  const { machine, threads, rounds, date, quick, contenders, cases } = report;
  const ran = cases.filter(({ skipped }) => skipped === undefined);
  const skipped = cases.filter((one) => one.skipped !== undefined);
  return [
    `${machine.processor}, ${machine.cores} cores, ${machine.memory}; ${machine.system}, Node ${machine.node}; ${date.slice(0, 10)}.`,
    `${threads} threads each, medians of ${rounds} alternating rounds.${quick ? " Small sizes, to try the bench: the figures mean nothing." : ""}`,
    "",
    ...table(
      ["contender", "version", "computes with", "memory before any data"],
      contenders.map(({ title, name, details = [], startBytes = 0, skipped }) =>
        skipped === undefined
          ? [title, name ?? "", details.join("; "), bytesText(startBytes)]
          : [title, "skipped", skipped, ""],
      ),
    ),
    "",
    ...table(
      ["target", "case", "measured", ""],
      evaluateTargets(TARGETS, ran).map(({ target, case: name, measured, met }) => [
        target,
        `\`${name}\``,
        measured,
        met === false ? "**missed**" : verdictText(met),
      ]),
    ),
    ...ran.flatMap(caseLines),
    ...(skipped.length === 0 ? [] : [""]),
    ...skipped.map(({ name, skipped }) => `- \`${name}\` was skipped: ${skipped}`),
    "",
  ].join("\n");
}

function caseLines(report: CaseReport): string[] {
  return [
    "",
    `### \`${report.name}\`: ${report.title}`,
    "",
    `Ratios to ${report.reference}. ${report.notes.join(" ")}`.trimEnd(),
    "",
    ...table(
      COLUMNS,
      report.entries.map((entry) => {
        const cells = cellsOf(entry, report);
        return COLUMNS.map((_, i) => cells[i] ?? "");
      }),
    ),
    ...[...recallLines(report), ...codeLines(report)].flatMap((line) => ["", line]),
  ];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)];
}
