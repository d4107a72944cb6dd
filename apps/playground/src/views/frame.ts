/** How plane coordinates lie on a canvas: one scale for both axes, a margin about all points. */
export interface Frame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly bounds: readonly [left: number, top: number, right: number, bottom: number];
}

const MARGIN = 14;

/** @param points `[n, 2]` */
export function frameOf(points: Float32Array, width: number, height: number): Frame {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]!);
    right = Math.max(right, points[i]!);
    low = Math.min(low, points[i + 1]!);
    high = Math.max(high, points[i + 1]!);
  }
  if (!(left <= right)) [left, right, low, high] = [-1, 1, -1, 1];
  const scale = Math.min(
    (width - 2 * MARGIN) / (right - left || 1),
    (height - 2 * MARGIN) / (high - low || 1),
  );
  const x = (value: number): number => width / 2 + (value - (left + right) / 2) * scale;
  const y = (value: number): number => height / 2 - (value - (low + high) / 2) * scale;
  return { x, y, bounds: [0, 0, width, height] };
}

/** The point nearest to a place on the canvas, if one is within some pixels of it. */
export function pointAt(
  points: Float32Array,
  { x, y }: Frame,
  at: readonly [number, number],
): number | undefined {
  let nearest: number | undefined;
  let least = 12 ** 2;
  for (let i = 0; i < points.length; i += 2) {
    const distance = (x(points[i]!) - at[0]) ** 2 + (y(points[i + 1]!) - at[1]) ** 2;
    if (distance < least) {
      least = distance;
      nearest = i / 2;
    }
  }
  return nearest;
}
