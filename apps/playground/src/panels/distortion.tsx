import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { figure, percent } from "../views/text.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [360, 190, 40, 22];

/** Bits against what they lose: this run's levels, and the runs before it on the same data. */
export function DistortionPanel() {
  const result = store.result.value;
  const title = store.dataset.value?.title;
  const past = store.past.value.filter(({ data }) => data === title);
  if (past.length === 0) {
    return (
      <section aria-labelledby="distortion-title">
        <h2 id="distortion-title">Rate and distortion</h2>
        <AboutDistortion />
      </section>
    );
  }
  const most = Math.max(...past.flatMap(({ levels }) => levels.map(({ bits }) => bits))) * 1.08;
  const worst =
    Math.max(
      ...past.flatMap(({ levels }) => levels.map((level) => level.relativeDistortion)),
      1e-6,
    ) * 1.1;
  const x = (bits: number): number => LEFT + ((WIDTH - LEFT - 8) * bits) / most;
  const y = (value: number): number => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 8) * value) / worst;
  return (
    <section aria-labelledby="distortion-title">
      <h2 id="distortion-title">Rate and distortion</h2>
      <AboutDistortion />
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label="Bits of a row against the share of the variance that is lost. The table has the figures."
      >
        <line class="axis" x1={LEFT} x2={WIDTH - 8} y1={HEIGHT - BOTTOM} y2={HEIGHT - BOTTOM} />
        <line class="axis" x1={LEFT} x2={LEFT} y1={8} y2={HEIGHT - BOTTOM} />
        <text x={LEFT - 6} y={14} text-anchor="end">
          {percent(worst)}
        </text>
        <text x={LEFT - 6} y={HEIGHT - BOTTOM} text-anchor="end">
          0
        </text>
        <text x={WIDTH - 8} y={HEIGHT - 6} text-anchor="end">
          {figure(Math.round(most))} bits
        </text>
        {past.map(({ levels, spec }, i) => (
          <g class={`hue${i % 9}`}>
            <polyline
              class="line"
              points={levels
                .map(({ bits, relativeDistortion }) => `${x(bits)},${y(relativeDistortion)}`)
                .join(" ")}
            />
            {levels.map(({ bits, relativeDistortion }, l) => (
              <circle
                class="dot"
                cx={x(bits)}
                cy={y(relativeDistortion)}
                r={l === levels.length - 1 ? 5 : 3}
              >
                <title>{`${spec}: ${bits} bits, ${percent(relativeDistortion)}`}</title>
              </circle>
            ))}
          </g>
        ))}
      </svg>
      {result &&
        result.distortionPerPrefix.length > 1 &&
        result.distortionPerPrefix.length <= 8 && (
          <p class="note">
            Lost after each level:{" "}
            {result.distortionPerPrefix
              .map((value) => percent(value / (result.totalVariance || 1)))
              .join(", ")}
            .
          </p>
        )}
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">run</th>
              <th scope="col">bits</th>
              <th scope="col">lost</th>
            </tr>
          </thead>
          <tbody>
            {past.map(({ spec, levels, hash }, i) => (
              <tr>
                <td>
                  <i class={`swatch hue${i % 9}`} /> <a href={`#${hash}`}>{spec}</a>
                </td>
                <td>{levels.at(-1)!.bits}</td>
                <td>{percent(levels.at(-1)!.relativeDistortion)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function AboutDistortion() {
  return (
    <About guide="quantizer-for-search.html" topic="choosing a quantizer">
      Each run leaves a line: the bits that a row takes, and the share of the variance that they
      lose.
    </About>
  );
}
