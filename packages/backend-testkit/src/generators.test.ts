import { expect, it } from "vitest";
import { clusteredMatrix, gaussianMatrix, integerMatrix, randomCodes } from "./generators.js";

function moments(data: Float32Array): { mean: number; spread: number } {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  return { mean, spread: Math.sqrt(variance) };
}

it("draws the same values of the same seed, others of another", () => {
  for (const make of [gaussianMatrix, clusteredMatrix, integerMatrix]) {
    expect(make(9, 5, { seed: 3 })).toEqual(make(9, 5, { seed: 3 }));
    expect(make(9, 5, { seed: 3 })).not.toEqual(make(9, 5, { seed: 4 }));
  }
  expect(randomCodes(9, 5, 7, { seed: 3 })).toEqual(randomCodes(9, 5, 7, { seed: 3 }));
  expect(randomCodes(9, 5, 7, { seed: 3 })).not.toEqual(randomCodes(9, 5, 7, { seed: 4 }));
});

it("has the moments that were asked for", () => {
  const { mean, spread } = moments(gaussianMatrix(2000, 10, { mean: 5, spread: 2 }).data);
  expect(mean).toBeCloseTo(5, 1);
  expect(spread).toBeCloseTo(2, 1);
});

it("keeps rows about as many centres as were asked for", () => {
  const { data } = clusteredMatrix(500, 1, { clusters: 3, spread: 1e-6 });
  expect(new Set([...data].map((value) => value.toFixed(3))).size).toBe(3);
});

it("covers the whole range of integers and codes, and nothing else", () => {
  const { data } = integerMatrix(200, 3, { bound: 2 });
  expect([...new Set(data)].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  expect([...new Set(randomCodes(200, 2, 4))].sort((a, b) => a - b)).toEqual([0, 1, 2, 3]);
});
