import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  ArgumentError,
  completeBackend,
  expectNoLeaks,
  matrix,
  NonFiniteError,
  ShapeError,
  sliceRows,
  type Matrix,
  type Rows,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { fitKmeans, kmeansStep, updateCentroids, type KmeansOptions } from "./index.js";

const backend = completeBackend(createReferenceBackend());
const rows = gaussianMatrix(10, 3, { seed: 1 });

async function failure(x: Rows, options: Partial<KmeansOptions>): Promise<Error> {
  return expectNoLeaks(backend, () =>
    fitKmeans(x, { backend, codebookSize: 2, ...options }).then(
      () => new Error("no error"),
      (error: Error) => error,
    ),
  );
}

describe("options", () => {
  const codebook = (k: number, d: number): Matrix => gaussianMatrix(k, d);
  const cases: [Partial<KmeansOptions>, new (...args: never[]) => Error, string][] = [
    [
      { codebookSize: 256 },
      ArgumentError,
      "codebookSize 256 needs at least 256 rows; there are 10",
    ],
    [
      { codebookSize: 0 },
      ArgumentError,
      "codebookSize is 0; it must be an integer from 1 to 16777216",
    ],
    [{ codebookSize: 2.5 }, ArgumentError, "codebookSize is 2.5"],
    [{ codebookSize: Number.NaN }, ArgumentError, "codebookSize is NaN"],
    [{ iterations: -1 }, ArgumentError, "iterations is -1; it must be an integer from 0"],
    [{ restarts: 0 }, ArgumentError, "restarts is 0"],
    [{ tolerance: -1 }, ArgumentError, "tolerance is -1"],
    [{ tolerance: Number.NaN }, ArgumentError, "tolerance is NaN"],
    [{ seed: -1 }, ArgumentError, "seed is -1"],
    [{ sample: 1 }, ArgumentError, "sample is 1; it must be an integer from 2"],
    [{ initRows: 1 }, ArgumentError, "initRows is 1"],
    [{ miniBatch: 0 }, ArgumentError, "miniBatch is 0"],
    [{ metric: "cosine" as "l2" }, ArgumentError, 'metric is "cosine"; it must be l2 or ip'],
    [{ init: "kmeans" as "lbg" }, ArgumentError, 'init is "kmeans"'],
    [{ init: codebook(3, 3) }, ShapeError, "init has 3 codewords but codebookSize is 2"],
    [{ init: codebook(2, 4) }, ShapeError, "rows have 3 columns but codewords have 4"],
    [
      {
        init: matrix([
          [0, 0, 0],
          [0, Infinity, 0],
        ]),
      },
      NonFiniteError,
      "init row 1",
    ],
    [{ init: codebook(2, 3), restarts: 2 }, ArgumentError, "restarts is 2"],
    [{ weights: new Float32Array(9) }, ShapeError, "there are 9 weights for 10 rows"],
    [{ weights: new Float32Array(10) }, ArgumentError, "all weights are 0"],
    [{ weights: new Float32Array(10).fill(-1, 4) }, ArgumentError, "weight of row 4 is -1"],
    [{ weights: new Float32Array(10).fill(NaN, 7) }, ArgumentError, "weight of row 7 is NaN"],
    [
      { weights: new Float32Array(10).fill(Infinity) },
      ArgumentError,
      "weight of row 0 is Infinity",
    ],
  ];
  it.each(cases)("%j is an error", async (options, type, message) => {
    const error = await failure(rows, options);
    expect(error).toBeInstanceOf(type);
    expect(error.message).toContain(message);
  });

  it("no rows, or a matrix that is none", async () => {
    const none = { data: new Float32Array(0), rows: 0, cols: 3 };
    expect((await failure(none, {})).message).toContain("needs at least 2 rows; there are 0");
    expect(await failure({ ...rows, rows: 11 }, {})).toBeInstanceOf(ShapeError);
  });

  it("weights whose sums overflow", async () => {
    const weights = new Float32Array(10).fill(3e38);
    const error = await failure(rows, { weights });
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(/weighted sum of codeword \d overflows float32/);
  });
});

describe("rows that are not finite", () => {
  const with_ = (n: number, row: number, value: number): Matrix => {
    const x = gaussianMatrix(n, 1, { seed: 2 });
    x.data[row] = value;
    return x;
  };
  it.each([Number.NaN, Infinity, -Infinity, 1e25])(
    "%d is an error that names its row",
    async (bad) => {
      for (const row of [0, 6, 9]) {
        for (const options of [
          {},
          { init: "random" as const },
          { init: "lbg" as const },
          { init: "progressive" as const },
          { init: matrix([[0], [1]]) },
          { miniBatch: 4 },
          { init: matrix([[0], [1]]), miniBatch: 4 },
        ]) {
          const error = await failure(with_(10, row, bad), options);
          expect(error).toBeInstanceOf(NonFiniteError);
          expect((error as NonFiniteError).row).toBe(row);
        }
      }
    },
  );

  it("is found beyond the first block and beyond the rows of the start", async () => {
    const bad = with_(70_000, 69_999, Number.NaN);
    for (const x of [bad, streamOf(bad, 1000)]) {
      const error = await failure(x, { init: "random", initRows: 2 });
      expect((error as NonFiniteError).row).toBe(69_999);
    }
  });

  it("is named by its place among all rows when a sample is fitted", async () => {
    const bad = with_(100, 57, Number.NaN);
    for (const options of [
      { sample: 99 },
      { sample: 99, initRows: 2 },
      { sample: 99, initRows: 2, miniBatch: 10 },
      { sample: 99, init: matrix([[0], [1]]) },
    ]) {
      const error = await failure(bad, { ...options, iterations: 3 });
      expect((error as NonFiniteError).row).toBe(57);
    }
  });
});

describe("kmeansStep and updateCentroids", () => {
  it("check their arguments", async () => {
    const codebook = sliceRows(rows, 0, 2);
    const step = (x: Rows, c: Matrix, options = {}): Promise<unknown> =>
      kmeansStep(x, c, { backend, ...options });
    await expect(step(gaussianMatrix(4, 2), codebook)).rejects.toThrow(ShapeError);
    await expect(step(rows, { ...codebook, rows: 3 })).rejects.toThrow(ShapeError);
    await expect(step(rows, sliceRows(rows, 0, 0))).rejects.toThrow("codebook has no codewords");
    await expect(step(rows, matrix([[1, 2, Number.NaN]]))).rejects.toThrow("codebook row 0");
    await expect(step(rows, codebook, { metric: "l1" })).rejects.toThrow(ArgumentError);
    await expect(step(rows, codebook, { weights: new Float32Array(3) })).rejects.toThrow(
      ShapeError,
    );
    const statistics = await kmeansStep(rows, codebook, { backend });
    expect(() => updateCentroids(statistics, sliceRows(rows, 0, 3))).toThrow(ShapeError);
    const tensor = backend.tensor(rows.data, [5, 6]);
    await expect(kmeansStep(tensor, codebook, { backend })).rejects.toThrow(
      "rows are [5, 6] but codewords have 3 columns",
    );
    tensor.dispose();
  });
});

function streamOf(x: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < x.rows; start += size) {
        yield sliceRows(x, start, Math.min(x.rows, start + size));
      }
    },
  };
}
