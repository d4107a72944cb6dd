import { figure } from "../../../apps/bench/src/format.js";
import { rate, type CaseReport, type EntryReport } from "../../../apps/bench/src/results.js";
import { drawFigure, escapeHtml, htmlTable, measured } from "./html.js";

export interface SearchCase {
  /** The spec that the case builds; "exact" for none. */
  readonly spec: string;
  readonly report: CaseReport;
}

const HEIGHT = 300;
/** The plot's edges: shares of the width, points of the height. */
const PLOT = { left: 9, right: 97, top: 12, bottom: 262 };
const BYTES = [8, 16, 32, 64, 128, 256, 512];

/** The share of the ten nearest that is found, over the bytes that the index keeps of a vector (logarithmic). */
export function recallChart(cases: readonly SearchCase[]): string {
  const points = cases.map(({ spec, report }) => ({ spec, ...found(measured(report, "native")) }));
  const across = (bytes: number): string => {
    const share = Math.log2(bytes / 8) / Math.log2(512 / 8);
    return `${(PLOT.left + share * (PLOT.right - PLOT.left)).toFixed(2)}%`;
  };
  const up = (recall: number): number =>
    Math.round(PLOT.bottom - recall * (PLOT.bottom - PLOT.top));
  const grid = [
    ...[0, 0.25, 0.5, 0.75, 1].map(
      (recall) =>
        `<line x1="${PLOT.left}%" x2="${PLOT.right}%" y1="${up(recall)}" y2="${up(recall)}" class="grid"/>` +
        `<text x="${PLOT.left - 1}%" y="${up(recall) + 4}" class="value">${recall}</text>`,
    ),
    ...BYTES.map(
      (bytes) => `<text x="${across(bytes)}" y="${PLOT.bottom + 18}" class="tick">${bytes}</text>`,
    ),
    `<text x="50%" y="${PLOT.bottom + 36}" class="tick">bytes a vector</text>`,
  ];
  const marks = points.map(({ spec, bytes, at10 }) => {
    // Labels stand beside their point, where there is room: to the left of large codes, below where another is above.
    const left = bytes > 60 || spec.startsWith("pq20");
    const below = left || spec.startsWith("vq");
    const x = across(bytes);
    return (
      `<circle cx="${x}" cy="${up(at10)}" r="5" class="own"/>` +
      `<text x="${x}" y="${up(at10) + (below ? 16 : -7)}" dx="${left ? -8 : 8}"${left ? ' class="value"' : ""}>${escapeHtml(spec)}</text>`
    );
  });
  return drawFigure({
    name: "chart-recall",
    caption:
      "Share of the ten nearest that is found, by bytes a vector; 99,000 word vectors of 100 values",
    height: HEIGHT,
    description: points
      .map(({ spec, bytes, at10 }) => `${spec}: ${bytes} bytes, ${at10}`)
      .join("; "),
    drawing: [...grid, ...marks].join("\n"),
    table: htmlTable(
      ["spec", "bytes", "found of 10"],
      points.map(({ spec, bytes, at10 }) => [spec, String(bytes), at10.toFixed(3)]),
    ),
  });
}

/** What each spec costs and finds, and how many queries a second are answered. */
export function recallTable(cases: readonly SearchCase[]): string {
  const table = htmlTable(
    ["spec", "bytes", "@1", "@10", "@100", "queries/s", "wasm", "faiss"],
    cases.map(({ spec, report }) => {
      const entry = measured(report, "native");
      const { bytes, at1, at10, at100 } = found(entry);
      return [
        spec,
        String(bytes),
        ...[at1, at10, at100].map((recall) => recall.toFixed(3)),
        rateText(entry),
        rateText(measured(report, "wasm")),
        rateText(fastest(report, "faiss")),
      ];
    }),
  );
  return `<div v-pre>${table}</div>\n`;
}

/** The faster of a library's ways: faiss has a fast scan for some indexes. */
function fastest(report: CaseReport, library: string): EntryReport {
  const ways = report.entries.filter(({ entry }) => entry.split("/")[0] === library);
  return ways.reduce((best, one) => ((rate(one) ?? 0) > (rate(best) ?? 0) ? one : best));
}

function found({ entry, bytesPerVector, recall }: EntryReport) {
  if (bytesPerVector === undefined || recall === undefined) {
    throw new Error(`"${entry}" of the bench's results is no search`);
  }
  return { bytes: bytesPerVector, ...recall };
}

function rateText(entry: EntryReport): string {
  return figure(rate(entry) ?? 0);
}
