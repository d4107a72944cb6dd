import { clusteredMatrix, createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
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

/** Lloyd's algorithm in float64, as plain as can be. */
function naiveLloyd(x: Matrix, start: Matrix, iterations: number): Float64Array {
  const { rows: n, cols: d } = x;
  const k = start.rows;
  const codebook = Float64Array.from(start.data);
  for (let t = 0; t < iterations; t++) {
    const sums = new Float64Array(k * d);
    const counts = new Float64Array(k);
    for (let i = 0; i < n; i++) {
      const code = nearest(x, i, codebook);
      counts[code]!++;
      for (let c = 0; c < d; c++) sums[code * d + c]! += x.data[i * d + c]!;
    }
    for (let at = 0; at < codebook.length; at++) {
      const count = counts[Math.floor(at / d)]!;
      if (count > 0) codebook[at] = sums[at]! / count;
    }
  }
  return codebook;
}

function nearest(x: Matrix, i: number, codebook: ArrayLike<number>): number {
  let best = 0;
  let least = Infinity;
  for (let j = 0; j < codebook.length / x.cols; j++) {
    const distance = squaredDistance(x, i, codebook, j);
    if (distance < least) {
      least = distance;
      best = j;
    }
  }
  return best;
}

function squaredDistance(x: Matrix, i: number, codebook: ArrayLike<number>, j: number): number {
  let sum = 0;
  for (let c = 0; c < x.cols; c++) {
    sum += (x.data[i * x.cols + c]! - codebook[j * x.cols + c]!) ** 2;
  }
  return sum;
}

/** Σ w·‖x − codeword of x‖² in float64. */
function objectiveOf(x: Matrix, codebook: Matrix, weights?: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.rows; i++) {
    const code = nearest(x, i, codebook.data);
    sum += (weights?.[i] ?? 1) * squaredDistance(x, i, codebook.data, code);
  }
  return sum;
}

function fit(x: Matrix, options: KmeansOptions): Promise<KmeansResult> {
  return expectNoLeaks(backend, () => fitKmeans(x, { backend, ...options }));
}

describe("Lloyd's algorithm", () => {
  it("gives the result worked out by hand", async () => {
    const x = matrix([[0], [1], [5], [6], [7]]);
    // From 0 and 1: {0}, {1, 5, 6, 7} -> 0, 4.75 -> {0, 1}, {5, 6, 7} -> 0.5, 6.
    const result = await fit(x, { codebookSize: 2, init: matrix([[0], [1]]), tolerance: 0 });
    expect([...result.codebook.data]).toEqual([0.5, 6]);
    expect([...result.codes!]).toEqual([0, 0, 1, 1, 1]);
    expect([...result.counts]).toEqual([2, 3]);
    expect(result.objective).toBe(2.5);
    expect(result.distortion).toBe(0.5);
    expect(result.iterations).toBe(2);
    // 0 + 0 + 16 + 25 + 36; then 0 + 1 + .0625 + 1.5625 + 5.0625; then 2.5.
    expect(result.history).toEqual([77, 7.6875, 2.5]);
    expect(result.stopped).toBe("converged");
  });

  it.each([1, 2, 3])(
    "agrees with a plain float64 Lloyd from a given start, seed %i",
    async (seed) => {
      const x = gaussianMatrix(300, 5, { seed });
      const start = sliceRows(x, 0, 8);
      const result = await fit(x, { codebookSize: 8, init: start, iterations: 6, tolerance: 0 });
      expect(result.iterations).toBe(6);
      naiveLloyd(x, start, 6).forEach((value, at) =>
        expect(result.codebook.data[at]).toBeCloseTo(value, 5),
      );
    },
  );

  it("never raises the objective, and reports the one of the codebook it returns", async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(...INITS),
      fc.boolean(),
      async (seed, codebookSize, cols, init, weighted) => {
        const x = clusteredMatrix(40 + (seed % 80), cols, { seed, clusters: 7 });
        const random = new Random(seed).stream("weights");
        const weights = weighted
          ? Float32Array.from({ length: x.rows }, () => random.integer(4))
          : undefined;
        const result = await fit(x, { codebookSize, init, seed, weights, tolerance: 0 });
        const scale = result.history[0]!;
        result.history.forEach((objective, i) => {
          if (i > 0) expect(objective).toBeLessThanOrEqual(result.history[i - 1]! + 1e-5 * scale);
        });
        expect(result.history).toHaveLength(result.iterations + 1);
        expect(result.history.at(-1)).toBe(result.objective);
        expect(Math.abs(result.objective - objectiveOf(x, result.codebook, weights))).toBeLessThan(
          1e-5 * (scale + 1e-3),
        );
        const total = weights?.reduce((sum, w) => sum + w, 0) ?? x.rows;
        expect(result.counts.reduce((sum, count) => sum + count, 0)).toBe(total);
        expect(result.distortion).toBe(result.objective / total);
        expect(result.codes).toEqual(
          Int32Array.from({ length: x.rows }, (_, i) => nearest(x, i, result.codebook.data)),
        );
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it("takes a weight of 2 for a row that is there twice", async () => {
    const x = gaussianMatrix(60, 3, { seed: 4 });
    const twice = matrix(new Float32Array([...x.data, ...sliceRows(x, 0, 20).data]), 3);
    const weights = Float32Array.from({ length: 60 }, (_, i) => (i < 20 ? 2 : 1));
    const options = { codebookSize: 7, init: sliceRows(x, 20, 27), tolerance: 0 };
    const weighted = await fit(x, { ...options, weights });
    const doubled = await fit(twice, options);
    expect(weighted.counts).toEqual(doubled.counts);
    expect(weighted.iterations).toBe(doubled.iterations);
    expect(weighted.objective).toBeCloseTo(doubled.objective, 4);
    weighted.codebook.data.forEach((value, at) =>
      expect(value).toBeCloseTo(doubled.codebook.data[at]!, 5),
    );
  });

  it.each(INITS)("gives rows of weight 0 no say (%s)", async (init) => {
    const x = matrix([
      [0, 0],
      [0, 2],
      [9, 9],
      [9, 11],
      [500, -500],
      [-3, 1e6],
    ]);
    const weights = new Float32Array([1, 1, 1, 1, 0, 0]);
    const result = await fit(x, { codebookSize: 2, weights, init, seed: 1 });
    expect([...result.counts]).toEqual([2, 2]);
    expect(result.objective).toBe(4);
    expect(result.distortion).toBe(1);
  });

  it.each(INITS)("is not upset by the scale or place of the data (%s)", async (init) => {
    const base = clusteredMatrix(80, 3, { seed: 2, clusters: 4, spread: 0.01 });
    for (const [scale, offset] of [
      [1e17, 0],
      [1e-17, 0],
      [1, 1000],
    ] as const) {
      const data = base.data.map((value) => value * scale + offset);
      const result = await fit({ ...base, data }, { codebookSize: 4, init });
      expect([...result.counts].sort(), `${scale}, ${offset}`).toEqual(
        [...(await fit(base, { codebookSize: 4, init })).counts].sort(),
      );
    }
  });

  it("stops at the tolerance, at the iterations, or when nothing changes", async () => {
    const x = gaussianMatrix(400, 4, { seed: 5 });
    const options = { codebookSize: 20, seed: 3 };
    const loose = await fit(x, { ...options, tolerance: 0.05 });
    expect(loose.stopped).toBe("tolerance");
    const [before, after] = loose.history.slice(-2) as [number, number];
    expect(before - after).toBeLessThanOrEqual(0.05 * before);
    const capped = await fit(x, { ...options, tolerance: 0, iterations: 3 });
    expect([capped.stopped, capped.iterations]).toEqual(["iterations", 3]);
    const settled = await fit(x, { ...options, tolerance: 0, iterations: 500 });
    expect(settled.stopped).toBe("converged");
    const again = await fit(x, { codebookSize: 20, init: settled.codebook });
    expect([again.stopped, again.iterations]).toEqual(["converged", 0]);
    expect(again.objective).toBe(settled.objective);
  });

  it("keeps the start with 0 iterations", async () => {
    const x = gaussianMatrix(30, 2);
    const init = sliceRows(x, 0, 4);
    const result = await fit(x, { codebookSize: 4, init, iterations: 0 });
    expect(result.codebook.data).toEqual(init.data);
    expect(result.history).toEqual([result.objective]);
  });
});

describe("the sample", () => {
  const x = clusteredMatrix(500, 4, { seed: 9 });
  const total = (counts: Float64Array): number => counts.reduce((sum, count) => sum + count);

  it("is all rows unless another number is given", async () => {
    const all = await fit(x, { codebookSize: 4 });
    expect(total(all.counts)).toBe(500);
    expect(all.codes).toHaveLength(500);
    expect(await fit(x, { codebookSize: 4, sample: 1000 })).toEqual(all);
  });

  it("has that many rows, of which each counts once", async () => {
    const part = await fit(x, { codebookSize: 4, sample: 123 });
    expect(total(part.counts)).toBe(123);
    expect(part.codes).toBeUndefined();
    expect(await fit(x, { codebookSize: 4, sample: 123, seed: 1 })).not.toEqual(part);
  });
});

describe("starts", () => {
  it.each(INITS)("%s gives the same bits for the same seed, others for another", async (init) => {
    const x = gaussianMatrix(200, 4, { seed: 6 });
    const first = await fit(x, { codebookSize: 11, init, seed: 1 });
    expect(await fit(x, { codebookSize: 11, init, seed: 1 })).toEqual(first);
    expect((await fit(x, { codebookSize: 11, init, seed: 2 })).codebook).not.toEqual(
      first.codebook,
    );
  });

  it.each([1, 2, 3, 5, 8, 13, 50])(
    "LBG reaches %i codewords, each with rows",
    async (codebookSize) => {
      const result = await fit(gaussianMatrix(300, 3, { seed: 7 }), { codebookSize, init: "lbg" });
      expect(result.codebook.rows).toBe(codebookSize);
      expect(result.counts).toHaveLength(codebookSize);
      expect(Math.min(...result.counts)).toBeGreaterThan(0);
    },
  );

  it("k-means++ finds well separated clusters at once", async () => {
    for (let seed = 0; seed < 10; seed++) {
      const x = clusteredMatrix(200, 8, { seed, clusters: 12, spread: 0.001 });
      const result = await fit(x, { codebookSize: 12, seed });
      expect(result.distortion).toBeLessThan(8 * 0.001 ** 2 * 1.2);
    }
  });

  it("restarts are never worse than a single run, and begin with it", async () => {
    const x = gaussianMatrix(150, 3, { seed: 8 });
    for (const init of INITS) {
      const one = await fit(x, { codebookSize: 12, init, seed: 5 });
      const few = await fit(x, { codebookSize: 12, init, seed: 5, restarts: 4 });
      expect(few.objective).toBeLessThanOrEqual(one.objective);
    }
  });

  it("restarts go by the weighted objective", async () => {
    const x = gaussianMatrix(60, 2, { seed: 9 });
    const weights = Float32Array.from({ length: 60 }, (_, i) => (i < 30 ? 100 : 0.01));
    const options = { codebookSize: 6, weights, init: "random" as const };
    const seen: number[] = [];
    const best = await fit(x, {
      ...options,
      restarts: 5,
      onProgress: ({ done, figures, task }) => {
        const run = Number(/restart (\d)/.exec(task)![1]) - 1;
        if (done >= 0) seen[run] = figures!["objective"]!;
      },
    });
    expect(seen).toHaveLength(5);
    expect(best.objective).toBe(Math.min(...seen));
    expect(best.objective).toBeCloseTo(objectiveOf(x, best.codebook, weights), 2);
  });

  it("chooses the start from initRows rows", async () => {
    const x = gaussianMatrix(500, 2, { seed: 1 });
    const result = await fit(x, { codebookSize: 5, initRows: 5, init: "random", iterations: 0 });
    const rows = new Set(
      Array.from({ length: 500 }, (_, i) => String(sliceRows(x, i, i + 1).data)),
    );
    for (let j = 0; j < 5; j++) {
      expect(rows).toContain(String(sliceRows(result.codebook, j, j + 1).data));
    }
  });
});
