import { describe, expect, it } from "vitest";
import { lloydMaxLevels, normalTail, uniformLoading } from "./gaussian.js";

describe("the normal distribution", () => {
  it.each([
    [0, 0.5],
    [1, 0.15865525393145707],
    [-1, 0.8413447460685429],
    [2.999, 0.0013543365337271],
    [3, 0.0013498980316301],
    [6, 9.865876450377e-10],
  ])("exceeds %d with probability %d", (x, probability) => {
    expect(normalTail(x) / probability).toBeCloseTo(1, 9);
  });
});

describe("Lloyd–Max levels", () => {
  it.each([
    [2, [0.7979]],
    [4, [0.4528, 1.5104]],
    [8, [0.2451, 0.756, 1.3439, 2.1519]],
    [16, [0.1284, 0.3881, 0.6568, 0.9424, 1.2562, 1.6181, 2.069, 2.7326]],
  ])("for %d levels are those of Max's table", (count, expected) => {
    const levels = lloydMaxLevels(count);
    expect(levels).toHaveLength(count);
    expected.forEach((level, i) => {
      expect(levels[count / 2 + i]).toBeCloseTo(level, 3);
      expect(levels[count / 2 - 1 - i]).toBe(-levels[count / 2 + i]!);
    });
  });

  it.each([2, 4, 16, 64, 256])("for %d levels are the means of their cells", (count) => {
    const levels = lloydMaxLevels(count);
    for (let i = count / 2; i < count; i++) {
      const a = (levels[i - 1]! + levels[i]!) / 2;
      const b = i + 1 < count ? (levels[i]! + levels[i + 1]!) / 2 : 12;
      expect(levels[i]).toBeCloseTo(meanOf(a, b), 6);
    }
  });
});

describe("the range of uniform levels", () => {
  // Max 1960, table II: distance between levels for 4, 16 and 32 levels.
  it.each([
    [2, 1.5956],
    [4, 0.9957],
    [16, 0.3352],
    [32, 0.1881],
  ])("for %d levels has Max's distance %d between them", (count, distance) => {
    expect((2 * uniformLoading(count)) / (count - 1)).toBeCloseTo(distance, 3);
  });
});

/** Mean of a standard normal value within a and b, by Simpson's rule. */
function meanOf(a: number, b: number): number {
  const n = 2000;
  let [mass, moment] = [0, 0];
  for (let i = 0; i <= n; i++) {
    const x = a + ((b - a) * i) / n;
    const weight = (i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * Math.exp(-0.5 * x * x);
    mass += weight;
    moment += weight * x;
  }
  return moment / mass;
}
