import { type Html, html } from "../report/html.js";
import { grouped } from "../text.js";
import { linearScale, logScale, type Scale } from "./scale.js";

export type Point = readonly [step: number, value: number];

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

export interface Chart {
  readonly title: string;
  /** What is drawn, in a sentence. */
  readonly note: string;
  readonly series: readonly Series[];
  /** Steps of the whole run. */
  readonly steps: number;
  /** A logarithmic scale, if the values differ enough for one. */
  readonly log?: boolean;
  /** Ends of the scale, where the values do not say them. */
  readonly low?: number;
  readonly high?: number;
  readonly format: (value: number) => string;
  /** A step to mark, and what it is. */
  readonly mark?: { readonly step: number; readonly name: string } | undefined;
}

/** A line has at most this many points: more cannot be seen, and make the file large. */
const MOST_POINTS = 240;
/** Rows of the table behind a chart. */
const TABLE_ROWS = 12;
/** Values whose greatest is less than so many times their least stand better on a linear scale. */
const LOG_RATIO = 4;
const DASHES = ["none", "7 4", "2 3", "9 3 2 3"];
const HUES = [0, 3, 2, 1, 8, 4];

/** A figure with lines by step: a drawing, its legend, and the same values as a table. */
export function chart(given: Chart): Html {
  const series = given.series.map(({ name, points }) => ({ name, points: finite(points) }));
  const { title, note, steps, format, mark } = given;
  const values = series.flatMap(({ points }) => points.map(([, value]) => value));
  if (values.length === 0) return html``;
  const y = scaleOf(given, values);
  const x = stepScale(steps);
  return html`<figure class="chart">
    <figcaption><strong>${title}</strong> ${note}</figcaption>
    <div class="plot">
      <div class="ys" aria-hidden="true">
        ${y.ticks.map((tick) => html`<span style="bottom:${share(y.at(tick))}">${short(format(tick))}</span>`)}
      </div>
      <svg
        viewBox="0 0 1000 1000"
        preserveAspectRatio="none"
        role="img"
        aria-label="${title}: ${summary(series, format)}"
      >
        ${y.ticks.map((tick) => html`<line class="grid" x1="0" x2="1000" y1="${down(y.at(tick))}" y2="${down(y.at(tick))}" />`)}
        ${mark && html`<line class="mark" x1="${along(x.at(mark.step))}" x2="${along(x.at(mark.step))}" y1="0" y2="1000" />`}
        ${series.map(({ points }, i) => html`<path style="${look(i)}" d="${pathOf(points, x, y)}" />`)}
      </svg>
      <div class="xs" aria-hidden="true">
        ${x.ticks.map((tick) => html`<span style="left:${share(x.at(tick))}">${grouped(tick)}</span>`)}
      </div>
    </div>
    <ul class="legend">
      ${
        series.length === 1
          ? undefined
          : series.map(
              ({ name }, i) =>
                html`<li>
                  <svg viewBox="0 0 28 8" aria-hidden="true">
                    <path style="${look(i)}" d="M0 4H28" /></svg
                  >${name}
                </li>`,
            )
      }
      ${
        mark &&
        html`<li>
          <svg viewBox="0 0 28 8" aria-hidden="true">
            <line class="mark" x1="14" x2="14" y1="0" y2="8" /></svg
          >${mark.name}
        </li>`
      }
    </ul>
    ${tableOf(series, format)}
  </figure>`;
}

/** All of the run and no more; round steps are written. */
function stepScale(steps: number): Scale {
  const { ticks } = linearScale(0, steps, 3);
  return { ticks: ticks.filter((tick) => tick <= steps), at: (step) => step / steps };
}

/** A tick needs no zeros behind its point. */
function short(text: string): string {
  return text.replace(/\.0+(?!\d)/, "");
}

function finite(points: readonly Point[]): Point[] {
  return points.filter(([, value]) => Number.isFinite(value));
}

function scaleOf({ log, low, high }: Chart, values: readonly number[]): Scale {
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  if (log && least > 0 && most > LOG_RATIO * least) return logScale(least, most);
  return linearScale(Math.min(low ?? 0, least), Math.max(high ?? most, most));
}

function look(i: number): string {
  return `stroke:var(--hue${HUES[i % HUES.length]!});stroke-dasharray:${DASHES[i % DASHES.length]!}`;
}

const along = (at: number): string => (1000 * at).toFixed(1);
const down = (at: number): string => (1000 * (1 - at)).toFixed(1);
const share = (at: number): string => `${(100 * at).toFixed(2)}%`;

function pathOf(points: readonly Point[], x: Scale, y: Scale): string {
  return thinned(points)
    .map(([step, value], i) => `${i === 0 ? "M" : "L"}${along(x.at(step))} ${down(y.at(value))}`)
    .join("");
}

/** Means of neighbours, so few that each can be seen. */
export function thinned(points: readonly Point[]): Point[] {
  if (points.length <= MOST_POINTS) return [...points];
  return Array.from({ length: MOST_POINTS }, (_, i) => {
    const from = Math.floor((i * points.length) / MOST_POINTS);
    const part = points.slice(from, Math.floor(((i + 1) * points.length) / MOST_POINTS));
    const mean = (at: 0 | 1): number =>
      part.reduce((sum, point) => sum + point[at], 0) / part.length;
    return [mean(0), mean(1)];
  });
}

/** In words, for those who do not see the drawing. */
function summary(series: readonly Series[], format: (value: number) => string): string {
  return series
    .filter(({ points }) => points.length > 0)
    .map(({ name, points }) => {
      const [first, last] = [points[0]!, points.at(-1)!];
      return `${name} goes from ${format(first[1])} at step ${grouped(first[0])} to ${format(last[1])} at step ${grouped(last[0])}`;
    })
    .join("; ");
}

function tableOf(series: readonly Series[], format: (value: number) => string): Html {
  const all = [...new Set(series.flatMap(({ points }) => points.map(([step]) => step)))].sort(
    (a, b) => a - b,
  );
  const count = Math.min(TABLE_ROWS, all.length);
  const chosen = Array.from(
    { length: count },
    (_, i) => all[Math.round((i * (all.length - 1)) / Math.max(1, count - 1))]!,
  );
  const tables = series.map(({ points }) => new Map(points));
  return html`<details>
    <summary>Values</summary>
    <table>
      <tr>
        <th scope="col">step</th>
        ${series.map(({ name }) => html`<th scope="col">${name}</th>`)}
      </tr>
      ${chosen.map(
        (step) =>
          html`<tr>
            <th scope="row">${grouped(step)}</th>
            ${tables.map((values) => {
              const value = values.get(step);
              return html`<td>${value === undefined ? "–" : format(value)}</td>`;
            })}
          </tr>`,
      )}
    </table>
  </details>`;
}
