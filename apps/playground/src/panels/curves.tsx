import { store } from "../state/store.js";
import { About } from "../views/about.js";
import { LineChart } from "../views/line-chart.js";

const NAMES: Readonly<Record<string, string>> = {
  objective: "sum of squared errors",
  distortion: "relative distortion",
  distinct: "distinct codes",
  loss: "reconstruction loss",
};

/** What is being minimized, as it falls. */
export function CurvesPanel() {
  const lines = [...store.curves.value]
    .filter(([name, points]) => name !== "moves" && points.length > 1)
    .map(([name, points]) => ({
      name: NAMES[name] ?? name,
      points: points.map(({ at, value }) => ({ at: at / 1000, value })),
    }));
  return (
    <section aria-labelledby="curves-title">
      <h2 id="curves-title">Training</h2>
      <About guide="from-vq-to-rqvae.html" topic="how quantizers are trained">
        What training makes smaller, as it falls.
      </About>
      {lines.map((line) => (
        <LineChart key={line.name} line={line} unit="s" />
      ))}
    </section>
  );
}
