import type { CaseReport, EntryReport } from "../../../apps/bench/src/results.js";

export function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (mark) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[mark] ?? mark,
  );
}

/** A figure that Vue leaves alone: a drawing with its text for those who do not see it, and the numbers in a table. */
export function drawFigure(options: {
  readonly name: string;
  readonly caption: string;
  readonly height: number;
  readonly description: string;
  readonly drawing: string;
  readonly table: string;
}): string {
  const { name, caption, height, description, drawing, table } = options;
  return [
    `<figure class="chart" v-pre>`,
    `<figcaption>${escapeHtml(caption)}</figcaption>`,
    `<svg role="img" aria-labelledby="${name}-title ${name}-text" width="100%" height="${height}">`,
    `<title id="${name}-title">${escapeHtml(caption)}</title>`,
    `<desc id="${name}-text">${escapeHtml(description)}</desc>`,
    drawing,
    `</svg>`,
    `<details><summary>The figures</summary>${table}</details>`,
    `</figure>`,
    "",
  ].join("\n");
}

export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (tag: string, cells: readonly string[]): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<table tabindex="0"><thead>${line("th", head)}</thead><tbody>${rows
    .map((cells) => line("td", cells))
    .join("")}</tbody></table>`;
}

/** @throws {Error} for an entry that the case does not have, or that was not measured */
export function measured(
  report: CaseReport,
  name: string,
): EntryReport & { seconds: readonly number[] } {
  const entry = report.entries.find((one) => one.entry === name);
  if (entry?.seconds === undefined) {
    throw new Error(`case "${report.name}" of the bench's results has no figures of "${name}"`);
  }
  return { ...entry, seconds: entry.seconds };
}
