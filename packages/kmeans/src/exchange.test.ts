import { AbortedError, expectNoLeaks, type Matrix, matrix, Random } from "@tessera/core";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exchangeRefine, exchangeRowLimit } from "./exchange.js";

const backend = createReferenceBackend();

function normalRows(seed: number, rows: number, cols: number): Matrix {
  return gaussianMatrix(rows, cols, { seed });
}

function squaredError(rows: Matrix, codebook: Matrix, codes: ArrayLike<number>): number {
  let sum = 0;
  rows.data.forEach((value, at) => {
    const code = codes[Math.floor(at / rows.cols)]!;
    sum += (value - codebook.data[code * rows.cols + (at % rows.cols)]!) ** 2;
  });
  return sum;
}

describe("exchangeRefine", () => {
  it("leaves a codebook that Lloyd's algorithm is stuck in", async () => {
    // 4 is nearer to the mean 2 of {0, 4} than to 7, yet {0}, {4, 7} has objective 4.5, and {0, 4}, {7} has 8.
    const { codebook, codes, objective, history } = await exchangeRefine(
      matrix([[0], [4], [7]]),
      Int32Array.of(0, 0, 1),
      matrix([[2], [7]]),
      { backend },
    );
    expect([...codebook.data]).toEqual([0, 5.5]);
    expect([...codes]).toEqual([0, 1, 1]);
    expect(objective).toBe(4.5);
    expect(history).toEqual([8, 4.5, 4.5]);
  });

  it("fills a cluster that nothing was assigned to", async () => {
    const { codebook, objective } = await exchangeRefine(
      matrix([[0], [1], [10]]),
      Int32Array.of(0, 0, 0),
      matrix([[3], [100]]),
      { backend },
    );
    expect([...codebook.data].sort((a, b) => a - b)).toEqual([0.5, 10]);
    expect(objective).toBe(0.5);
  });

  it("keeps what cannot be improved: one codeword, or rows without error", async () => {
    const one = await exchangeRefine(matrix([[0], [2]]), new Int32Array(2), matrix([[7]]), {
      backend,
    });
    expect([...one.codebook.data]).toEqual([1]);
    expect(one.objective).toBe(2);
    const same = await exchangeRefine(matrix([[3], [3]]), new Int32Array(2), matrix([[3], [5]]), {
      backend,
    });
    expect([...same.codebook.data]).toEqual([3, 5]);
  });

  it("never raises the objective, and tells the true one", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.integer({ min: 0, max: 1e6 }),
          rows: fc.integer({ min: 1, max: 40 }),
          cols: fc.integer({ min: 1, max: 5 }),
          k: fc.integer({ min: 1, max: 8 }),
          offset: fc.constantFrom(0, 1000),
        }),
        async ({ seed, rows: n, cols, k, offset }) => {
          const rows = normalRows(seed, n, cols);
          rows.data.forEach((value, i) => (rows.data[i] = value + offset));
          const random = new Random(seed).stream("codes");
          const codes = Int32Array.from({ length: n }, () => random.integer(k));
          const { history, objective, ...end } = await exchangeRefine(
            rows,
            codes,
            normalRows(seed + 1, k, cols),
            { backend, tolerance: 0, passes: 50 },
          );
          for (let pass = 1; pass < history.length; pass++) {
            expect(history[pass]).toBeLessThanOrEqual(history[pass - 1]! + 1e-9 * history[0]!);
          }
          // Centroids are rounded to float32.
          const slack = 1e-5 * objective + n * cols * (offset * 2 ** -24) ** 2 + 1e-9;
          expect(Math.abs(squaredError(rows, end.codebook, end.codes) - objective)).toBeLessThan(
            slack + 2 * Math.sqrt(slack * objective),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  it("ends where no single move would gain", async () => {
    const rows = normalRows(5, 30, 2);
    const k = 4;
    const end = await exchangeRefine(
      rows,
      Int32Array.from({ length: 30 }, (_, i) => i % k),
      normalRows(6, k, 2),
      { backend, tolerance: 0, passes: 100 },
    );
    for (let i = 0; i < rows.rows; i++) {
      for (let to = 0; to < k; to++) {
        const moved = end.codes.slice();
        moved[i] = to;
        const means = await exchangeRefine(rows, moved, end.codebook, { backend, passes: 0 });
        expect(means.objective).toBeGreaterThanOrEqual(end.objective * (1 - 1e-5));
      }
    }
  });

  it("stops on abort and leaves no tensors", async () => {
    const rows = normalRows(1, 64, 3);
    await expectNoLeaks(backend, async () => {
      const controller = new AbortController();
      await expect(
        exchangeRefine(
          rows,
          Int32Array.from({ length: 64 }, (_, i) => i % 8),
          normalRows(2, 8, 3),
          { backend, signal: controller.signal, onProgress: () => controller.abort() },
        ),
      ).rejects.toThrow(AbortedError);
    });
  });
});

describe("exchangeRowLimit", () => {
  it("is 128 rows per codeword, within the memory bound", () => {
    expect(exchangeRowLimit(256, 512)).toBe(128 * 256);
    expect(exchangeRowLimit(65_536, 512)).toBe(2 ** 26 / 512);
  });
});
