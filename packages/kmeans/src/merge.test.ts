import { gaussianMatrix } from "@tessera/backend-testkit";
import { Random } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeClusters } from "./merge.js";
import type { KmeansStatistics } from "./statistics.js";

function statisticsOf(means: readonly (readonly number[])[], counts: readonly number[]) {
  const cols = means[0]!.length;
  const weight = counts.reduce((sum, count) => sum + count, 0);
  const statistics: KmeansStatistics = {
    codebookSize: means.length,
    cols,
    sums: Float64Array.from(means.flatMap((mean, i) => mean.map((value) => value * counts[i]!))),
    counts: Float64Array.from(counts),
    objective: 0,
    rows: weight,
    weight,
  };
  return { statistics, codebook: Float32Array.from(means.flat()) };
}

/** The same by trying every pair each time. */
function mergeByTrial(
  means: readonly (readonly number[])[],
  counts: readonly number[],
  count: number,
): number[][] {
  const clusters = means.map((mean, i) => ({ mean: [...mean], n: counts[i]! }));
  while (clusters.length > count) {
    let best = { cost: Infinity, a: 0, b: 0 };
    for (let a = 0; a < clusters.length; a++) {
      for (let b = a + 1; b < clusters.length; b++) {
        const [p, q] = [clusters[a]!, clusters[b]!];
        const squares = p.mean.reduce((sum, value, j) => sum + (value - q.mean[j]!) ** 2, 0);
        const cost = ((p.n * q.n) / (p.n + q.n)) * squares;
        if (cost < best.cost) best = { cost, a, b };
      }
    }
    const [p, q] = [clusters[best.a]!, clusters[best.b]!];
    p.mean = p.mean.map((value, j) => (p.n * value + q.n * q.mean[j]!) / (p.n + q.n));
    p.n += q.n;
    clusters.splice(best.b, 1);
  }
  return clusters.map(({ mean }) => mean);
}

describe("mergeClusters", () => {
  it("merges the pair whose merging costs least, weighed by their rows", () => {
    // 4·4/8·1 = 2 for 0 and 1, but 1·1/2·1.5² = 1.125 for 10 and 11.5.
    const { statistics, codebook } = statisticsOf([[0], [1], [10], [11.5]], [4, 4, 1, 1]);
    expect([...mergeClusters(statistics, codebook, 3)]).toEqual([0, 1, 10.75]);
    expect([...mergeClusters(statistics, codebook, 2)]).toEqual([0.5, 10.75]);
    expect([...mergeClusters(statistics, codebook, 4)]).toEqual([0, 1, 10, 11.5]);
  });

  it("finds the pairs that trying all of them finds", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 20 }),
        (seed, size, cols) => {
          const { data } = gaussianMatrix(size, cols, { seed });
          const means = Array.from({ length: size }, (_, i) => [
            ...data.subarray(i * cols, (i + 1) * cols),
          ]);
          const random = new Random(seed).stream("counts");
          const counts = means.map(() => 1 + random.integer(9));
          const { statistics, codebook } = statisticsOf(means, counts);
          const count = 1 + random.integer(size);
          const expected = mergeByTrial(means, counts, count).flat();
          // Which of two merged clusters gives its place to both is of no matter.
          const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
          sorted([...mergeClusters(statistics, codebook, count)]).forEach((value, i) => {
            expect(value).toBeCloseTo(sorted(expected)[i]!, 4);
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  it("drops clusters without rows first, and keeps them where there are no others", () => {
    const { statistics, codebook } = statisticsOf([[0], [7], [1], [8], [3]], [2, 0, 1, 0, 1]);
    expect([...mergeClusters(statistics, codebook, 3)]).toEqual([0, 1, 3]);
    expect([...mergeClusters(statistics, codebook, 4)]).toEqual([0, 1, 3, 7]);
  });
});
