import { formatToken } from "@tessera/semantic-ids";
import { grouped, percent } from "../text.js";
import type { ReportData } from "./data.js";
import { firstCodes, majority } from "./figures.js";
import type { Html } from "./html.js";
import { html } from "./html.js";
import { HUES } from "./style.js";

const WIDTH = 900;
const HEIGHT = 620;
const MARGIN = 14;
/** Hues times two shapes: beyond that, looks repeat. */
const LOOKS = 2 * HUES;
/** Centres of this many first codes are numbered; more would cover the points. */
const NUMBERED = 40;

/** The rows on their first two principal components, coloured by first code. */
export function mapSection(data: ReportData): Html {
  const { map, analysis } = data;
  const [first, second] = map.explained;
  const codes = firstCodes(data);
  const rank = new Map(codes.map(({ code }, i) => [code, i]));
  const place = placer(map.points);
  const sampled = map.rows.length < analysis.rows;
  return html`<section>
    <h2>A map</h2>
    <p>
      ${sampled ? `${grouped(map.rows.length)} of the rows` : "The rows"} on their first two
      principal components, which keep ${percent(first + second)} of the variance. Colour and shape
      are the first code, whose number stands at its centre.
      ${codes.length > LOOKS ? "There are more codes than looks, so looks repeat." : ""} Point at a
      mark to see its item.
    </p>
    <div class="map">
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Map of the items by first code">
        ${marks(data, rank, place)}
      </svg>
      ${centres(data, place)
        .filter(({ code }) => rank.get(code)! < NUMBERED)
        .map(
          ({ code, x, y }) =>
            html`<b
              style="left:${((100 * x) / WIDTH).toFixed(1)}%;top:${((100 * y) / HEIGHT).toFixed(1)}%"
              >${code}</b
            >`,
        )}
    </div>
    ${legend(data, codes)}
  </section>`;
}

type Place = (point: number) => { x: number; y: number };

/** Scales points into the picture, one scale for both axes so that distances stay true. */
function placer(points: Float32Array): Place {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  points.forEach((value, at) => {
    low[at % 2] = Math.min(low[at % 2]!, value);
    high[at % 2] = Math.max(high[at % 2]!, value);
  });
  const extent = [high[0]! - low[0]!, high[1]! - low[1]!];
  const inner = [WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN];
  // Rows that are all alike have no extent; they sit in the middle.
  const scale = Math.min(...extent.map((size, j) => (size > 0 ? inner[j]! / size : Infinity)));
  const factor = Number.isFinite(scale) ? scale : 0;
  return (point) => ({
    x: WIDTH / 2 + (points[2 * point]! - (low[0]! + high[0]!) / 2) * factor,
    // Up is positive.
    y: HEIGHT / 2 - (points[2 * point + 1]! - (low[1]! + high[1]!) / 2) * factor,
  });
}

/** A dot per row: a line of no length, whose cap is the mark, keeps its size however the picture is scaled. */
function marks(data: ReportData, rank: ReadonlyMap<number, number>, place: Place): Html[] {
  const { codes } = data.ids;
  const groups: Html[][] = Array.from({ length: Math.min(LOOKS, rank.size) }, () => []);
  data.map.rows.forEach((row, point) => {
    const { x, y } = place(point);
    const look = rank.get(codes.data[row * codes.columns]!)! % LOOKS;
    const title = `${data.label(row)} ${data.ids.tokens(row).join("")}`;
    groups[look]!.push(
      html`<path d="M${x.toFixed(1)} ${y.toFixed(1)}h0"><title>${title}</title></path>`,
    );
  });
  return groups.map(
    (paths, look) => html`<g class="${shape(look)}" stroke="${hue(look)}">${paths}</g>`,
  );
}

function centres(data: ReportData, place: Place): { code: number; x: number; y: number }[] {
  const { codes } = data.ids;
  const sums = new Map<number, { code: number; x: number; y: number; count: number }>();
  data.map.rows.forEach((row, point) => {
    const code = codes.data[row * codes.columns]!;
    const sum = sums.get(code) ?? { code, x: 0, y: 0, count: 0 };
    const { x, y } = place(point);
    sums.set(code, { code, x: sum.x + x, y: sum.y + y, count: sum.count + 1 });
  });
  return [...sums.values()].map(({ code, x, y, count }) => ({ code, x: x / count, y: y / count }));
}

function legend(data: ReportData, codes: ReturnType<typeof firstCodes>): Html {
  const shown = codes.slice(0, LOOKS);
  const { groups } = data;
  return html`<ul class="legend">
    ${shown.map(({ code, rows }, look) => {
      const meaning =
        groups === undefined ? data.label(rows[0]!) : majority(rows, groups.values).value;
      return html`<li>
        <i class="${shape(look)}" style="background:${hue(look)}"></i
        ><span class="code">${formatToken(0, code)}</span> ${meaning}
      </li>`;
    })}
    ${codes.length > shown.length ? html`<li>… ${grouped(codes.length - shown.length)} more</li>` : undefined}
  </ul>`;
}

function shape(look: number): string {
  return look < HUES ? "round" : "square";
}

function hue(look: number): string {
  return `var(--hue${look % HUES})`;
}
