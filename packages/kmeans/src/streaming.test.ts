import { clusteredMatrix, createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  ArgumentError,
  completeBackend,
  expectNoLeaks,
  matrix,
  Random,
  ShapeError,
  sliceRows,
  type ComputeBackend,
  type Matrix,
  type Rows,
} from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  blockRows,
  fitKmeans,
  kmeansStep,
  mergeStatistics,
  reduceStatistics,
  updateCentroids,
  type KmeansOptions,
  type KmeansResult,
} from "./index.js";

const backend = completeBackend(createReferenceBackend());
const INITS = ["k-means++", "random", "lbg", "progressive"] as const;

function fit(rows: Rows, options: KmeansOptions): Promise<KmeansResult> {
  return expectNoLeaks(backend, () => fitKmeans(rows, { backend, ...options }));
}

/** The rows cut at random, in a buffer that is used again, as a file reader might. */
function streamOf(x: Matrix, seed: number, most: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      const random = new Random(seed);
      const buffer = new Float32Array(most * x.cols);
      for (let start = 0; start < x.rows;) {
        const end = Math.min(x.rows, start + random.integer(most + 1));
        const batch = sliceRows(x, start, end);
        buffer.set(batch.data);
        yield { ...batch, data: buffer.subarray(0, batch.data.length) };
        start = end;
      }
    },
  };
}

async function* once(x: Matrix, size: number): AsyncGenerator<Matrix, void, undefined> {
  for (let start = 0; start < x.rows; start += size) {
    yield sliceRows(x, start, Math.min(x.rows, start + size));
  }
}

describe("streams", () => {
  it("give the bits of the matrix, however they are cut", async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 1, max: 90 }),
      fc.constantFrom(...INITS),
      fc.boolean(),
      fc.boolean(),
      async (seed, most, init, spherical, duplicates) => {
        const x = duplicates
          ? matrix(Array.from({ length: 80 }, (_, i) => [i % 5, 1]))
          : clusteredMatrix(80, 3, { seed });
        const weights = Float32Array.from({ length: 80 }, (_, i) => (i * 7) % 4);
        const options = { codebookSize: 9, initRows: 40, init, spherical, seed, weights };
        const { codes, ...expected } = await fit(x, options);
        expect(codes).toHaveLength(80);
        expect(await fit(streamOf(x, seed, most), options)).toEqual({
          ...expected,
          codes: undefined,
        });
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });

  it("give the bits of the matrix over several blocks, which need not fit the device", async () => {
    const x = clusteredMatrix(150_000, 1, { seed: 3, clusters: 4 });
    expect(blockRows(1)).toBe(65_536);
    const options = { codebookSize: 3, init: "random", iterations: 3, tolerance: 0 } as const;
    const { codes, ...expected } = await fit(x, options);
    expect(codes).toHaveLength(150_000);
    const streamed = { ...expected, codes: undefined };
    expect(await fit(streamOf(x, 1, 40_000), options)).toEqual(streamed);
    const small = withTensorLimit(createReferenceBackend(), 2 ** 18);
    const again = await expectNoLeaks(small, () => fitKmeans(x, { ...options, backend: small }));
    expect(again).toEqual({ ...expected, codes });
  });

  it("draw the same sample as the matrix", async () => {
    const x = gaussianMatrix(300, 2, { seed: 1 });
    const options = { codebookSize: 6, sample: 100, seed: 4 };
    const expected = await fit(x, options);
    expect(expected.codes).toBeUndefined();
    expect(expected.counts.reduce((a, b) => a + b)).toBe(100);
    expect(await fit(streamOf(x, 2, 50), options)).toEqual(expected);
    // Read once, a sample is in memory.
    expect(await fit(once(x, 33), options)).toEqual(expected);
    const whole = await fit(x, { ...options, sample: 300 });
    expect(whole).toEqual(await fit(x, { codebookSize: 6, seed: 4 }));
  });

  it("weigh the rows of a sample by their own weights", async () => {
    const x = matrix(Array.from({ length: 60 }, (_, i) => [i]));
    const weights = Float32Array.from({ length: 60 }, (_, i) => i);
    const { codebook, objective } = await fit(x, { codebookSize: 1, sample: 59, weights });
    // Σ i·i / Σ i is 39⅔ over all rows; one row left out moves it by 1.2 at the most.
    expect(Math.abs(codebook.data[0]! - 39.67)).toBeLessThan(1.2);
    expect(objective).toBeGreaterThan(0);
  });

  it("that are read once are an error without miniBatch or sample", async () => {
    const rows = once(gaussianMatrix(50, 2), 10);
    await expect(fitKmeans(rows, { backend, codebookSize: 3 })).rejects.toThrow(
      "these rows can be read only once",
    );
  });

  it("that change between passes, or in width, are an error", async () => {
    const x = gaussianMatrix(40, 2);
    let pass = 0;
    const shrinking: Rows = {
      async *[Symbol.asyncIterator]() {
        yield sliceRows(x, 0, 40 - pass++);
      },
    };
    const error = await fit(shrinking, { codebookSize: 3 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(String(error)).toContain("39 rows in one pass and 38 in another");
    const ragged: Rows = {
      async *[Symbol.asyncIterator]() {
        yield x;
        yield gaussianMatrix(5, 3);
      },
    };
    await expect(fit(ragged, { codebookSize: 3 })).rejects.toThrow(ShapeError);
    const init = gaussianMatrix(3, 4);
    await expect(fit(streamOf(x, 1, 9), { codebookSize: 3, init })).rejects.toThrow(
      "rows have 2 columns but codewords have 4",
    );
  });

  it("of too few rows or the wrong number of weights are an error", async () => {
    const x = gaussianMatrix(4, 2);
    for (const init of ["random", gaussianMatrix(5, 2)] as const) {
      await expect(fit(streamOf(x, 1, 3), { codebookSize: 5, init })).rejects.toThrow(
        "codebookSize 5 needs at least 5 rows; there are 4",
      );
    }
    for (const miniBatch of [undefined, 2]) {
      for (const init of ["random", gaussianMatrix(2, 2)] as const) {
        for (const count of [3, 5]) {
          const weights = new Float32Array(count).fill(1);
          const options = { codebookSize: 2, init, weights, miniBatch };
          await expect(fit(streamOf(x, 1, 3), options)).rejects.toThrow(ShapeError);
          if (miniBatch) await expect(fit(once(x, 3), options)).rejects.toThrow(ShapeError);
        }
      }
    }
    await expect(fit(once(x, 3), { codebookSize: 5, miniBatch: 2 })).rejects.toThrow(ArgumentError);
    await expect(
      fit(once(sliceRows(x, 0, 0), 1), { codebookSize: 5, miniBatch: 2 }),
    ).rejects.toThrow("there are 0");
  });
});

describe("mini-batch", () => {
  it("steps as worked out by hand", async () => {
    const x = matrix([[0], [10], [2], [4], [16]]);
    // {0, 10} -> 0 and 10; 2 and 4 join 0: mean of 0, 2, 4; 16 joins 10.
    const options = { codebookSize: 2, init: matrix([[1], [9]]), miniBatch: 2 };
    const result = await fit(once(x, 3), options);
    expect([...result.codebook.data]).toEqual([2, 13]);
    expect([...result.counts]).toEqual([3, 2]);
    expect(result.objective).toBe(1 + 1 + 4 + 16 + 36);
    expect(result.history).toEqual([58]);
    const again = await fit(streamOf(x, 1, 2), { ...options, iterations: 1 });
    expect(again.codebook).toEqual(result.codebook);
    expect(again.history).toEqual([58, 4 + 9 + 0 + 4 + 9]);
    expect(again.objective).toBe(26);
  });

  it("comes near Lloyd, in memory and streamed", async () => {
    const x = clusteredMatrix(600, 4, { seed: 5, clusters: 8 });
    const full = await fit(x, { codebookSize: 8 });
    for (const rows of [x, streamOf(x, 1, 100), once(x, 70)]) {
      const result = await fit(rows, { codebookSize: 8, miniBatch: 64, restarts: 1 });
      expect(result.distortion).toBeLessThan(1.3 * full.distortion);
    }
    const { codes, codebook, iterations, history } = await fit(x, {
      codebookSize: 8,
      miniBatch: 64,
    });
    expect(codes).toHaveLength(600);
    expect(history).toHaveLength(iterations + 1);
    expect(codebook.rows).toBe(8);
  });

  it("keeps unit norms under spherical, and depends on the seed and not on how a stream is cut", async () => {
    const x = gaussianMatrix(200, 3, { seed: 2, mean: 0.5 });
    const options = { codebookSize: 5, miniBatch: 16, spherical: true, initRows: 50 };
    const a = await fit(once(x, 7), options);
    expect(await fit(once(x, 200), options)).toEqual(a);
    for (let j = 0; j < 5; j++) {
      expect(Math.hypot(...sliceRows(a.codebook, j, j + 1).data)).toBeCloseTo(1, 6);
    }
    const inMemory = await fit(x, { ...options, seed: 1, restarts: 2 });
    expect(await fit(x, { ...options, seed: 1, restarts: 2 })).toEqual(inMemory);
    expect((await fit(x, { ...options, seed: 2 })).codebook).not.toEqual(inMemory.codebook);
    await expect(fit(once(x, 7), { ...options, restarts: 2 })).rejects.toThrow("restarts is 2");
  });
});

describe("statistics", () => {
  it("of shards, reduced in order, have the bits of one process", async () => {
    const x = clusteredMatrix(200_000, 1, { seed: 6, clusters: 5 });
    const weights = Float32Array.from({ length: x.rows }, (_, i) => (i % 3) + 0.25);
    let codebook = sliceRows(x, 0, 6);
    const size = blockRows(1);
    for (let iteration = 0; iteration < 2; iteration++) {
      const whole = await kmeansStep(x, codebook, { backend, weights });
      const shards = [];
      for (let start = 0; start < x.rows; start += size) {
        const end = Math.min(x.rows, start + size);
        const part = { backend, weights: weights.subarray(start, end) };
        shards.push(await kmeansStep(sliceRows(x, start, end), codebook, part));
      }
      expect(shards).toHaveLength(4);
      expect(reduceStatistics(shards)).toEqual(whole);
      const [first, ...rest] = shards;
      expect(rest.reduce(mergeStatistics, first!)).toEqual(whole);
      codebook = updateCentroids(whole, codebook);
    }
    const { codebook: fitted } = await fit(x, {
      codebookSize: 6,
      init: sliceRows(x, 0, 6),
      weights,
      iterations: 2,
      tolerance: 0,
    });
    expect(fitted).toEqual(codebook);
  });

  it("are the same of a matrix, a stream and a tensor", async () => {
    const x = gaussianMatrix(70_000, 1, { seed: 8 });
    const codebook = sliceRows(x, 0, 3);
    const weights = x.data.map(Math.abs);
    const options = { backend, weights, metric: "ip" as const };
    const expected = await kmeansStep(x, codebook, options);
    expect(await kmeansStep(streamOf(x, 1, 9999), codebook, options)).toEqual(expected);
    const tensor = backend.tensor(x.data, [70_000, 1]);
    const fromTensor = await expectNoLeaks(backend, () => kmeansStep(tensor, codebook, options));
    tensor.dispose();
    expect(fromTensor).toEqual(expected);
  });

  it("of no rows are zero, and leave the codebook as it is", async () => {
    const codebook = gaussianMatrix(4, 2);
    const none = await kmeansStep(sliceRows(codebook, 0, 0), codebook, { backend });
    expect([none.rows, none.weight, none.objective]).toEqual([0, 0, 0]);
    expect(updateCentroids(none, codebook)).toEqual(codebook);
  });

  it("of different codebooks do not add up", async () => {
    const a = await kmeansStep(gaussianMatrix(5, 2), gaussianMatrix(2, 2), { backend });
    const b = await kmeansStep(gaussianMatrix(5, 2), gaussianMatrix(3, 2), { backend });
    expect(() => mergeStatistics(a, b)).toThrow(
      "statistics 1 belong to a codebook [3, 2], statistics 0 to one of [2, 2]",
    );
    expect(() => reduceStatistics([])).toThrow(ArgumentError);
  });
});

/** A backend that says its tensors may be no larger than this. */
function withTensorLimit(inner: ComputeBackend, maxTensorBytes: number): ComputeBackend {
  return new Proxy(inner, {
    get(target, name) {
      if (name === "info") return { ...target.info, maxTensorBytes };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
