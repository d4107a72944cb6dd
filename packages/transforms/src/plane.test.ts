import { Random } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { mapToPlane, projectOnPlane } from "./plane.js";

/** Rows with spreads 5, 2 and 0.1 along three orthogonal directions, off the origin. */
function spreadRows(rows: number) {
  const random = new Random(4);
  const axes = [
    [0.6, 0.8, 0],
    [-0.8, 0.6, 0],
    [0, 0, 1],
  ];
  const weights = Array.from({ length: rows }, () => [5, 2, 0.1].map((s) => s * random.normal()));
  const data = Float32Array.from({ length: 3 * rows }, (_, at) =>
    weights[Math.floor(at / 3)]!.reduce((sum, w, j) => sum + w * axes[j]![at % 3]!, 100),
  );
  return { matrix: { data, rows, cols: 3 }, weights };
}

describe("mapToPlane", () => {
  it("finds the directions of most variance, with positive loadings", async () => {
    const { matrix, weights } = spreadRows(500);
    const { points, explained } = await mapToPlane(matrix);
    const mean = [0, 1].map((j) => weights.reduce((sum, w) => sum + w[j]!, 0) / 500);
    let worst = 0;
    weights.forEach((w, i) => {
      // The largest loading of the second axis is −0.8, so it points the other way.
      worst = Math.max(worst, Math.abs(points[2 * i]! - (w[0]! - mean[0]!)));
      worst = Math.max(worst, Math.abs(points[2 * i + 1]! + (w[1]! - mean[1]!)));
    });
    expect(worst).toBeLessThan(0.8);
    expect(explained[0]).toBeGreaterThan(0.8);
    expect(explained[0] + explained[1]).toBeGreaterThan(0.999);
    expect(explained[0] + explained[1]).toBeLessThanOrEqual(1 + 1e-9);
  });

  it("gives the same picture for the same rows", async () => {
    const { matrix } = spreadRows(60);
    expect(await mapToPlane(matrix)).toEqual(await mapToPlane(matrix));
  });

  it("draws rows without extent, or with one dimension", async () => {
    const same = { data: new Float32Array(12).fill(7), rows: 4, cols: 3 };
    expect(await mapToPlane(same)).toMatchObject({
      points: new Float32Array(8),
      explained: [0, 0],
    });
    const line = { data: Float32Array.of(1, 2, 3), rows: 3, cols: 1 };
    const { points, explained } = await mapToPlane(line);
    expect([...points]).toEqual([-1, 0, 0, 0, 1, 0]);
    expect(explained).toEqual([1, 0]);
  });

  it("projects other rows on the same plane", async () => {
    const { matrix } = spreadRows(60);
    const { points, plane } = await mapToPlane(matrix);
    const last = { data: matrix.data.subarray(3 * 58), rows: 2, cols: 3 };
    expect(projectOnPlane(last, plane)).toEqual(points.subarray(2 * 58));
  });

  it("stops when it is told to", async () => {
    const { matrix } = spreadRows(60);
    await expect(mapToPlane(matrix, AbortSignal.abort())).rejects.toThrow("aborted");
  });
});
