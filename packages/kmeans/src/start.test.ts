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

  it("chooses all the same when every row is equal", async () => {
    const chosen = await choose(matrix(Array.from({ length: 6 }, () => [2, 3])), 4, 1);
    expect(chosen).toHaveLength(4);
    for (const row of chosen) expect(row).toBeLessThan(6);
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
