import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  completeBackend,
  expectNoLeaks,
  matrix,
  Random,
  sliceRows,
  type Matrix,
} from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitKmeans, type KmeansInit, type KmeansOptions, type KmeansResult } from "./index.js";

const backend = completeBackend(createReferenceBackend());
const INITS: readonly KmeansInit[] = ["k-means++", "random", "lbg", "progressive"];

function fit(x: Matrix, options: KmeansOptions): Promise<KmeansResult> {
  return expectNoLeaks(backend, () => fitKmeans(x, { backend, ...options }));
}

describe("empty clusters", () => {
  it("fewer distinct rows than codewords: ends, with objective 0 and no invented codeword", async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(...INITS, "given" as const),
      async (seed, distinct, more, init) => {
        const points = gaussianMatrix(distinct, 3, { seed, mean: 5 });
        const codebookSize = distinct + more;
        const random = new Random(seed).stream("copies");
        const x = matrix(
          Array.from({ length: codebookSize * 3 }, (_, i) => {
            const point = i < distinct ? i : random.integer(distinct);
            return sliceRows(points, point, point + 1).data;
          }),
        );
        const start = init === "given" ? gaussianMatrix(codebookSize, 3, { seed: seed + 1 }) : init;
        const options = { codebookSize, init: start, seed, iterations: 100 };
        const result = await fit(x, options);
        expect(result.objective).toBe(0);
        expect(result.stopped).toBe("converged");
        expect(result.codebook.data.every(Number.isFinite)).toBe(true);
        // A codeword may stay behind where rows have left it; one that has rows is a row.
        const known = new Set(rowsOf(points));
        rowsOf(result.codebook).forEach((row, j) => {
          if (result.counts[j]! > 0 || init === "k-means++") expect(known).toContain(row);
        });
      },
    );
    await fc.assert(property, { numRuns: 80 });
  });

  it("moves a codeword without rows to the row that is served worst", async () => {
    const x = matrix([[0], [1], [2], [10], [11], [40]]);
    const init = matrix([[1], [15], [1000]]);
    const result = await fit(x, { codebookSize: 3, init, tolerance: 0 });
    expect([...result.codebook.data]).toEqual([1, 10.5, 40]);
    expect(result.objective).toBe(2.5);
  });

  it("does not stop at the tolerance right after a codeword was moved", async () => {
    const x = matrix([[0], [1], [2], [10], [11], [40]]);
    const options = { codebookSize: 3, tolerance: 1e9 };
    const moved = await fit(x, { ...options, init: matrix([[1], [15], [1000]]) });
    expect([moved.stopped, moved.iterations]).toEqual(["converged", 1]);
    const unmoved = await fit(x, { ...options, init: matrix([[0], [15], [39]]) });
    expect([unmoved.stopped, unmoved.iterations]).toEqual(["tolerance", 1]);
  });

  it("fills every codeword where there are rows enough, from the worst start", async () => {
    const x = gaussianMatrix(120, 3, { seed: 3 });
    const init = { data: new Float32Array(60).fill(9), rows: 20, cols: 3 };
    for (const metric of ["l2", "ip"] as const) {
      const spherical = metric === "ip";
      const result = await fit(x, { codebookSize: 20, init, spherical, iterations: 60 });
      expect(Math.min(...result.counts)).toBeGreaterThan(0);
    }
  });
});

describe("spherical", () => {
  it("gives codewords of unit norm, and an objective that never rises", async () => {
    for (const metric of ["ip", "l2", undefined] as const) {
      for (const init of [...INITS, gaussianMatrix(9, 4, { seed: 3, spread: 7 })]) {
        const x = gaussianMatrix(200, 4, { seed: 11, mean: 0.3 });
        const options = { codebookSize: 9, spherical: true, metric, init, tolerance: 0 };
        const { codebook, history } = await fit(x, options);
        for (let j = 0; j < 9; j++) {
          expect(Math.hypot(...sliceRows(codebook, j, j + 1).data)).toBeCloseTo(1, 6);
        }
        history.forEach((objective, i) => {
          const before = history[i - 1] ?? Infinity;
          expect(objective).toBeLessThanOrEqual(before + 1e-4);
        });
      }
    }
  });

  it("separates directions whatever their length", async () => {
    const x = matrix([
      [1, 0.1],
      [80, -8],
      [-0.1, 3],
      [4, 90],
    ]);
    const result = await fit(x, { codebookSize: 2, spherical: true });
    const [a, b, c, d] = [...result.codes!];
    expect([a, c]).toEqual([b, d]);
    expect(a).not.toBe(c);
  });

  it("does without NaN where rows cancel or are zero", async () => {
    const x = matrix([
      [1, 0],
      [-1, 0],
      [0, 0],
      [0, 0],
    ]);
    for (const codebookSize of [1, 2, 4]) {
      const { codebook } = await fit(x, { codebookSize, spherical: true });
      for (let j = 0; j < codebookSize; j++) {
        expect(Math.hypot(...sliceRows(codebook, j, j + 1).data)).toBeCloseTo(1, 6);
      }
    }
  });
});

function rowsOf(m: Matrix): string[] {
  return Array.from({ length: m.rows }, (_, i) => String(sliceRows(m, i, i + 1).data));
}
