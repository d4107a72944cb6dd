import { durations } from "../../../apps/bench/src/format.js";
import { medianSeconds, type CaseReport } from "../../../apps/bench/src/results.js";
import { drawFigure, escapeHtml, htmlTable, measured } from "./html.js";

const ROW = 40;

/**
 * Times of a case's entries as bars from zero, ours in colour, with a line from the least to the greatest round.
 *
 * Positions across are shares of the width, so that text keeps its size on any screen.
 */
export function barChart(report: CaseReport, names: readonly string[]): string {
  const bars = names.map((name) => {
    const entry = measured(report, name);
    return {
      title: entry.title,
      own: entry.title.startsWith("Tessera"),
      median: medianSeconds(entry) ?? 0,
      least: Math.min(...entry.seconds),
      greatest: Math.max(...entry.seconds),
      quality: entry.quality,
    };
  });
  const end = Math.max(...bars.map(({ greatest }) => greatest));
  const share = (seconds: number): string => `${((100 * seconds) / end).toFixed(2)}%`;
  const drawing = bars.map(({ title, own, median, least, greatest }, i) => {
    const top = i * ROW;
    return [
      `<text x="0" y="${top + 14}">${escapeHtml(title)}</text>`,
      `<text x="100%" y="${top + 14}" class="value">${secondsText(median)}</text>`,
      `<rect x="0" y="${top + 20}" width="${share(median)}" height="10" class="${own ? "own" : "peer"}"/>`,
      `<line x1="${share(least)}" x2="${share(greatest)}" y1="${top + 25}" y2="${top + 25}"/>`,
    ].join("");
  });
  return drawFigure({
    name: `chart-${report.name}`,
    caption: `${report.title}: time, less is better`,
    height: bars.length * ROW,
    description: bars.map(({ title, median }) => `${title} ${secondsText(median)}`).join(", "),
    drawing: drawing.join("\n"),
    table: htmlTable(
      ["", "median", "least to greatest", qualityName(report)],
      bars.map(({ title, median, least, greatest, quality }) => [
        title,
        secondsText(median),
        `${secondsText(least)} to ${secondsText(greatest)}`,
        quality === undefined ? "" : quality.toPrecision(4),
      ]),
    ),
  });
}

function secondsText(seconds: number): string {
  const { texts, unit } = durations([seconds]);
  return `${texts.join("")} ${unit}`;
}

function qualityName({ name }: CaseReport): string {
  return name.startsWith("search") ? "missed of the ten nearest" : "distortion";
}
