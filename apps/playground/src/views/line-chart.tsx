import { figure } from "./text.js";

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly at: number; readonly value: number }[];
}

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [360, 104, 48, 18];

/** A figure over time, its axis logarithmic where all values are above 0. */
export function LineChart({ line, unit }: { readonly line: Line; readonly unit: string }) {
  const { name, points } = line;
  const values = points.map(({ value }) => value);
  const logarithmic = values.every((value) => value > 0);
  const scale = (value: number): number => (logarithmic ? Math.log10(value) : value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const last = points.at(-1)!;
  const x = (at: number): number => LEFT + ((WIDTH - LEFT - 6) * at) / (last.at || 1);
  const y = (value: number): number =>
    HEIGHT -
    BOTTOM -
    ((HEIGHT - BOTTOM - 8) * (scale(value) - scale(least))) / (scale(most) - scale(least) || 1);
  return (
    <figure>
      <figcaption>
        {name} <b>{figure(last.value)}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${name} from ${figure(values[0]!)} to ${figure(last.value)} in ${figure(last.at)} ${unit}.`}
      >
        <text x={LEFT - 6} y={y(most) + 4} text-anchor="end">
          {figure(most)}
        </text>
        {least < most && (
          <text x={LEFT - 6} y={y(least) + 2} text-anchor="end">
            {figure(least)}
          </text>
        )}
        <line class="axis" x1={LEFT} x2={WIDTH - 6} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        <text x={WIDTH - 6} y={HEIGHT - 4} text-anchor="end">
          {figure(last.at)} {unit}
        </text>
        <polyline
          class="line hue0"
          points={points
            .map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`)
            .join(" ")}
        />
      </svg>
    </figure>
  );
}
