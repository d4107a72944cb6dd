import { Random } from "@tessera/core";
import type { ShapeName } from "../state/settings.js";
import type { Dataset } from "./dataset.js";

type Point = readonly [x: number, y: number];

/** Points about a curve or in groups; `t` is uniform in 0..1. */
const DRAW: Readonly<Record<ShapeName, (random: Random, t: number) => Point>> = {
  moons(random, t) {
    const upper = random.uniform() < 0.5;
    const angle = Math.PI * t;
    const point: Point = upper
      ? [Math.cos(angle), Math.sin(angle)]
      : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
    return blurred(random, point, 0.07);
  },
  blobs(random, t) {
    const group = Math.floor(9 * t);
    const centre: Point = [group % 3, Math.floor(group / 3)];
    return blurred(random, centre, 0.09 + 0.05 * (group % 2));
  },
  rings(random, t) {
    const radius = [0.35, 0.75, 1.2][Math.floor(3 * random.uniform())]!;
    return blurred(
      random,
      [radius * Math.cos(2 * Math.PI * t), radius * Math.sin(2 * Math.PI * t)],
      0.045,
    );
  },
  spiral(random, t) {
    const angle = 3.5 * Math.PI * Math.sqrt(t);
    return blurred(random, [0.1 * angle * Math.cos(angle), 0.1 * angle * Math.sin(angle)], 0.03);
  },
};

/** The same points for the same name and number, whatever the seed of the training. */
export function shapeOf(name: ShapeName, points: number): Dataset {
  const random = new Random(0).stream(name);
  const data = new Float32Array(2 * points);
  for (let i = 0; i < points; i++) data.set(DRAW[name](random, random.uniform()), 2 * i);
  return { title: name, rows: { data, rows: points, cols: 2 } };
}

function blurred(random: Random, [x, y]: Point, spread: number): Point {
  return [x + spread * random.normal(), y + spread * random.normal()];
}
