import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { completeBackend, expectNoLeaks, matrix, Random, type Matrix } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitKmeans, type KmeansOptions, type KmeansResult } from "./index.js";
import { principalDirections, project, turnBack } from "./principal.js";

const backend = completeBackend(createReferenceBackend());
const run = { backend, signal: undefined };

/** Normal rows whose variances fall geometrically, mixed by a rotation, about a far point. */
function fallingRows(seed: number, n: number, cols: number, offset = 0): Matrix {
  const random = new Random(seed);
  const mixing = gaussianMatrix(cols, cols, { seed: 3 }).data;
  const data = new Float32Array(n * cols).fill(offset);
  for (let i = 0; i < n; i++) {
    for (let h = 0; h < cols; h++) {
      const value = random.normal() * 0.6 ** h;
      for (let j = 0; j < cols; j++) data[i * cols + j]! += value * mixing[h * cols + j]!;
    }
  }
  return matrix(data, cols);
}

function fit(x: Matrix, options: Partial<KmeansOptions>): Promise<KmeansResult> {
  return expectNoLeaks(backend, () =>
    fitKmeans(x, { backend, codebookSize: 12, init: "progressive", ...options }),
  );
}

/** The sum of the squares of a matrix's values. */
function squares({ data }: Matrix): number {
  return data.reduce((sum, value) => sum + value * value, 0);
}

describe("principal directions", () => {
  it("are orthonormal; the leading ones keep at least as much of the rows as any others", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), fc.integer({ min: 2, max: 8 }), async (seed, cols) => {
        const rows = fallingRows(seed, 40, cols);
        const directions = await principalDirections(rows, run);
        const there = await project(rows, directions, run);
        expect(squares(there) / squares(rows)).toBeCloseTo(1, 4);
        const back = await turnBack(there, directions, run);
        const largest = Math.max(...rows.data.map(Math.abs));
        back.data.forEach((value, at) =>
          expect(Math.abs(value - rows.data[at]!)).toBeLessThan(1e-5 * largest),
        );
        const kept = Array.from({ length: cols }, (_, j) =>
          there.data.reduce((sum, value, at) => sum + (at % cols === j ? value * value : 0), 0),
        );
        for (let j = 1; j < cols; j++) expect(kept[j]).toBeLessThanOrEqual(1.001 * kept[j - 1]!);
      }),
      { numRuns: 30 },
    );
  });
});

describe("the progressive start", () => {
  it("divides the widest direction first: with two codewords they lie along it", async () => {
    const random = new Random(5);
    const rows = matrix(
      Array.from({ length: 200 }, () => {
        const t = 10 * random.normal();
        return [t + random.normal(), -t + random.normal(), random.normal(), random.normal()];
      }),
    );
    const { codebook } = await fit(rows, { codebookSize: 2, iterations: 0 });
    const [a, b] = [codebook.data.subarray(0, 4), codebook.data.subarray(4)];
    const apart = a.map((value, j) => value - b[j]!);
    expect(Math.abs(apart[0]! - apart[1]!)).toBeGreaterThan(15);
    for (const j of [2, 3]) expect(Math.abs(apart[j]!)).toBeLessThan(1);
  });

  it("is a good start: before any update below k-means++, and near to what the fit comes to", async () => {
    for (const seed of [1, 2, 3]) {
      const rows = fallingRows(seed, 600, 10, 20);
      const start = await fit(rows, { seed, iterations: 0 });
      const other = await fit(rows, { seed, iterations: 0, init: "k-means++" });
      expect(start.objective).toBeLessThan(other.objective);
      expect(start.objective).toBeLessThan(1.1 * (await fit(rows, { seed })).objective);
    }
  });

  it("does not depend on the unit of the rows", async () => {
    const rows = fallingRows(4, 150, 6);
    const { codebook } = await fit(rows, { iterations: 0 });
    for (const unit of [2 ** -50, 2 ** 50]) {
      const other = await fit({ ...rows, data: rows.data.map((x) => x * unit) }, { iterations: 0 });
      const largest = Math.max(...codebook.data.map(Math.abs));
      other.codebook.data.forEach((value, at) =>
        expect(Math.abs(value / unit - codebook.data[at]!)).toBeLessThan(1e-4 * largest),
      );
    }
  });

  it("takes weights: rows of no weight pull nothing, not even the directions", async () => {
    const rows = fallingRows(6, 120, 5);
    const far = gaussianMatrix(40, 5, { seed: 9 }).data.map((x) => 1000 * x);
    const all = matrix(Float32Array.of(...rows.data, ...far), 5);
    const weights = new Float32Array(160).fill(1, 0, 120);
    const { objective } = await fit(all, { weights });
    expect(objective).toBeLessThan(1.2 * (await fit(rows, {})).objective);
  });

  it.each([
    ["one column", (): Matrix => gaussianMatrix(50, 1)],
    ["two columns", (): Matrix => gaussianMatrix(50, 2)],
    [
      "columns without variance",
      (): Matrix =>
        matrix(
          fallingRows(1, 50, 5).data.map((x, at) => (at % 5 > 1 ? 3 : x)),
          5,
        ),
    ],
    ["equal rows", (): Matrix => matrix(new Float32Array(50 * 4).fill(2), 4)],
  ])("takes %s", async (_, rows) => {
    for (const options of [{}, { spherical: true }, { metric: "ip" as const }, { miniBatch: 20 }]) {
      const { codebook } = await fit(rows(), options);
      expect(codebook.data.every(Number.isFinite)).toBe(true);
    }
  });

  it("gives codewords of unit norm under `spherical`", async () => {
    const { codebook } = await fit(fallingRows(2, 100, 6), { spherical: true, iterations: 0 });
    for (let j = 0; j < 12; j++) {
      const norm = Math.hypot(...codebook.data.subarray(6 * j, 6 * j + 6));
      expect(norm).toBeCloseTo(1, 5);
    }
  });
});
