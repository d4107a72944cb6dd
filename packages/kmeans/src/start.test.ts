import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  completeBackend,
  expectNoLeaks,
  matrix,
  Random,
  sampleRows,
  sliceRows,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { plusPlus } from "./plus-plus.js";
import { openProducts } from "./products.js";
import { representatives } from "./representatives.js";

const backend = completeBackend(createReferenceBackend());

function choose(rows: ReturnType<typeof matrix>, count: number, seed: number): Promise<number[]> {
  const weights = new Float32Array(rows.rows).fill(1);
  const random = new Random(seed);
  return expectNoLeaks(backend, async () => [
    ...(await plusPlus(rows, count, { backend, random, weights })),
  ]);
}

describe("k-means++", () => {
  it("tells near rows from equal ones, where float32 products cannot", async () => {
    const places = gaussianMatrix(10, 8, { seed: 1 });
    const copies = Array.from({ length: 80 }, (_, i) => {
      const row = sliceRows(places, i % 10, (i % 10) + 1).data.slice();
      if (i % 20 >= 10) row[0]! += 1e-4;
      return row;
    });
    for (let seed = 0; seed < 20; seed++) {
      const chosen = await choose(matrix(copies), 20, seed);
      expect(new Set(chosen.map((row) => row % 20)).size).toBe(20);
    }
  });

  it("draws by D²: from a far row and many near ones, the far one is never left out", async () => {
    const x = matrix([...Array.from({ length: 50 }, (_, i) => [i / 1000]), [100]]);
    for (let seed = 0; seed < 20; seed++) expect(await choose(x, 2, seed)).toContain(50);
  });

  it("chooses each of a few distinct rows once, of however many copies", async () => {
    const places = gaussianMatrix(8, 3, { seed: 2 });
    const copies = Array.from(
      { length: 400 },
      (_, i) => sliceRows(places, i % 8, (i % 8) + 1).data,
    );
    for (let seed = 0; seed < 10; seed++) {
      const chosen = await choose(matrix(copies), 8, seed);
      expect(new Set(chosen.map((row) => row % 8)).size).toBe(8);
    }
  });

  it("does so where rows are too near for float32's squares", async () => {
    const rows = matrix(Array.from({ length: 200 }, (_, i) => [(i % 4) * 1e-30]));
    const chosen = await choose(rows, 4, 1);
    expect(new Set(chosen.map((row) => row % 4)).size).toBe(4);
  });

  it("chooses all the same when every row is equal", async () => {
    const chosen = await choose(matrix(Array.from({ length: 6 }, () => [2, 3])), 4, 1);
    expect(chosen).toHaveLength(4);
    for (const row of chosen) expect(row).toBeLessThan(6);
  });
});

describe("representatives", () => {
  it("are distinct rows that share out the weight of all, and leave none of its weight out", async () => {
    const rows = gaussianMatrix(500, 4, { seed: 3 });
    const weights = Float32Array.from({ length: 500 }, (_, i) => i % 3);
    const options = { backend, random: new Random(1), weights };
    const found = await expectNoLeaks(backend, () => representatives(rows, 12, options));
    expect(new Set(found.indices).size).toBe(found.indices.length);
    expect(found.indices.length).toBeGreaterThan(24);
    for (const row of found.indices) expect(weights[row]).toBeGreaterThan(0);
    expect(found.weights.reduce((sum, w) => sum + w)).toBe(weights.reduce((sum, w) => sum + w));
  });
});

describe("products", () => {
  it.each([0, 2 ** 20])("are those of the rows asked for, with %i held", async (held) => {
    const rows = gaussianMatrix(30, 5, { seed: 4 });
    const product = (a: number, b: number): number =>
      sliceRows(rows, a, a + 1).data.reduce(
        (sum, value, j) => sum + value * rows.data[b * 5 + j]!,
        0,
      );
    await expectNoLeaks(backend, async () => {
      const products = await openProducts(backend, rows, held);
      const { values, starts, stride } = await products.with([7, 0, 29]);
      products.dispose();
      [7, 0, 29].forEach((row, c) => {
        for (let i = 0; i < 30; i++) {
          expect(values[starts[c]! + i * stride]).toBeCloseTo(product(i, row), 5);
        }
      });
    });
  });
});

describe("the reservoir", () => {
  it("holds each row equally often", async () => {
    const x = matrix(Array.from({ length: 20 }, (_, i) => [i]));
    const drawn = new Float64Array(20);
    for (let seed = 0; seed < 2000; seed++) {
      const sample = await sampleRows(x, 5, new Random(seed));
      expect(sample.total).toBe(20);
      expect([...sample.matrix.data]).toEqual([...sample.indices!]);
      expect(new Set(sample.indices).size).toBe(5);
      for (const row of sample.indices!) drawn[row]!++;
    }
    // 500 expected each; the standard deviation is 19.
    for (const count of drawn) expect(Math.abs(count - 500)).toBeLessThan(95);
  });
});
