import { pickBackend } from "@tessera/backend";
import { type CompleteBackend, type Matrix, Random } from "@tessera/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Layout, layOut } from "./umap.js";

const GROUPS = 6;
const EACH = 20;

/** Groups far apart in more directions than a plane has. */
function groups(): Matrix {
  const random = new Random(3);
  const cols = GROUPS;
  const data = new Float32Array(GROUPS * EACH * cols);
  for (let i = 0; i < GROUPS * EACH; i++) {
    for (let j = 0; j < cols; j++)
      data[i * cols + j] = random.normal() + (j === i % GROUPS ? 12 : 0);
  }
  return { data, rows: GROUPS * EACH, cols };
}

describe("layOut", () => {
  let backend: CompleteBackend;
  beforeAll(async () => {
    backend = await pickBackend({ name: "cpu", threads: 1 });
  });
  afterAll(() => backend.dispose());

  it("keeps near rows together", async () => {
    const { points } = await layOut(backend, groups(), () => undefined);
    const square = (i: number, j: number): number =>
      (points[2 * i]! - points[2 * j]!) ** 2 + (points[2 * i + 1]! - points[2 * j + 1]!) ** 2;
    for (let i = 0; i < GROUPS * EACH; i++) {
      const others = Array.from({ length: GROUPS * EACH }, (_, j) => j).filter((j) => j !== i);
      const nearest = others.reduce((a, b) => (square(i, b) < square(i, a) ? b : a));
      expect(nearest % GROUPS).toBe(i % GROUPS);
    }
  });

  it("is the same for the same rows, and tells how far it is", async () => {
    const told: Layout[] = [];
    const first = await layOut(backend, groups(), (layout) => told.push(layout));
    const again = await layOut(backend, groups(), () => undefined);
    expect(again).toEqual(first);
    expect(first.done).toBe(first.total);
    for (const { done, total, points } of told) {
      expect(done).toBeLessThan(total);
      expect(points).toHaveLength(first.points.length);
    }
    expect(backend.memory().tensors).toBe(0);
  });

  it("takes rows that are all the same, and few of them", async () => {
    const rows = { data: new Float32Array(9 * 3).fill(2), rows: 9, cols: 3 };
    const { points } = await layOut(backend, rows, () => undefined);
    expect(points.every(Number.isFinite)).toBe(true);
  });

  it("keeps a group that drifts off at the margin of the others", async () => {
    const rows = groups();
    // One pair of rows has nothing to do with the rest.
    rows.data.fill(1e4, 0, 2 * rows.cols);
    const { points } = await layOut(backend, rows, () => undefined);
    for (let axis = 0; axis < 2; axis++) {
      const all = Array.from({ length: rows.rows }, (_, i) => points[2 * i + axis]!);
      const others = all.slice(2);
      const extent = Math.max(...others) - Math.min(...others);
      expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(1.21 * extent);
    }
  });
});
