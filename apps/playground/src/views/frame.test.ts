import { describe, expect, it } from "vitest";
import { frameOf, pointAt } from "./frame.js";

const points = Float32Array.of(0, 0, 4, 1, 2, 0.5);

describe("the frame of a map", () => {
  it("shows every point, with one scale for both axes and y upwards", () => {
    const { x, y } = frameOf(points, 428, 300);
    expect([x(0), x(4)]).toEqual([14, 414]);
    expect(y(1)).toBeLessThan(y(0));
    expect(x(4) - x(0)).toBeCloseTo(4 * (y(0) - y(1)));
  });

  it("finds the point under a finger, and none where there is none", () => {
    const frame = frameOf(points, 428, 300);
    expect(pointAt(points, frame, [frame.x(4) + 5, frame.y(1)])).toBe(1);
    expect(pointAt(points, frame, [frame.x(4), frame.y(0) + 60])).toBeUndefined();
  });

  it("holds for points without extent, and for none", () => {
    const { x } = frameOf(Float32Array.of(3, 3, 3, 3), 100, 100);
    expect(x(3)).toBe(50);
    expect(frameOf(new Float32Array(0), 100, 100).x(0)).toBe(50);
  });
});
