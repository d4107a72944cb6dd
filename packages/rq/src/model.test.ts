import {
  AbortedError,
  ArgumentError,
  Codes,
  expectNoLeaks,
  type Matrix,
  type Model,
  type Rows,
  ShapeError,
  sliceRows,
  tieTolerance,
} from "@tessera/core";
import {
  createReferenceBackend,
  gaussianMatrix,
  referenceDistance,
} from "@tessera/backend-testkit";
import { VqModel } from "@tessera/vq";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResidualModel } from "./index.js";

const backend = createReferenceBackend();

function normalRows(seed: number, rows: number, cols: number): Matrix {
  return gaussianMatrix(rows, cols, { seed });
}

function stream(rows: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < rows.rows; start += size) {
        yield sliceRows(rows, start, Math.min(rows.rows, start + size));
      }
    },
  };
}

/** The same model as one that residual levels know nothing about. */
function opaque(model: Model): Model {
  const { spec, dimension, cardinalities, prefixes } = model;
  return {
    spec,
    dimension,
    cardinalities,
    prefixes,
    encode: (rows, options) => model.encode(rows, options),
    decode: (codes, options) => model.decode(codes, options),
    state: () => model.state(),
    save: () => model.save(),
  };
}

/** Random codebooks: their greedy codes are far from the best ones. */
function randomModel(seed: number, sizes: readonly number[], cols: number): ResidualModel {
  return new ResidualModel(
    sizes.map(
      (codebookSize, l) =>
        new VqModel({ kind: "vq", codebookSize }, normalRows(seed + l, codebookSize, cols)),
    ),
  );
}

function rowErrors(rows: Matrix, decoded: Matrix): number[] {
  return Array.from({ length: rows.rows }, (_, i) =>
    referenceDistance(rows.data, i * rows.cols, decoded.data, i * rows.cols, rows.cols, "l2"),
  );
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 });
const seeds = fc.integer({ min: 0, max: 1e6 });

describe("ResidualModel", () => {
  it("has a column, a prefix and a term per codebook", () => {
    const model = randomModel(1, [4, 3, 2], 5);
    expect(model.cardinalities).toEqual([4, 3, 2]);
    expect(model.prefixes).toEqual([1, 2, 3]);
    expect(model.terms?.map(({ column }) => column)).toEqual([0, 1, 2]);
    expect(model.spec.levels).toEqual(
      [4, 3, 2].map((codebookSize) => ({ kind: "vq", codebookSize })),
    );
  });

  it("agrees with a float64 search, level by level, wherever distances are not tied", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sizes, fc.integer({ min: 1, max: 6 }), async (seed, sizes, cols) => {
        const model = randomModel(seed, sizes, cols);
        const rows = normalRows(seed + 100, 20, cols);
        const codes = await model.encode(rows, { backend });
        expect([codes.rows, codes.columns]).toEqual([20, sizes.length]);
        const left = rows.data.slice();
        model.levels.forEach((level, l) => {
          const { codebook } = level as VqModel;
          const longest = Math.max(...rowNorms(codebook));
          rowNorms({ data: left, rows: 20, cols }).forEach((rowNorm, i) => {
            const to = (c: number) =>
              referenceDistance(left, i * cols, codebook.data, c * cols, cols, "l2");
            const chosen = codes.row(i)[l]!;
            const least = Math.min(...Array.from({ length: codebook.rows }, (_, c) => to(c)));
            expect(to(chosen)).toBeLessThanOrEqual(least + tieTolerance(cols, rowNorm, longest));
            for (let j = 0; j < cols; j++) {
              left[i * cols + j]! -= codebook.data[chosen * cols + j]!;
            }
          });
        });
      }),
      { numRuns: 30 },
    );
  });

  it("gives the same codes by the generic path, and the same rows back", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sizes, async (seed, sizes) => {
        const fast = randomModel(seed, sizes, 4);
        const generic = new ResidualModel(fast.levels.map(opaque));
        expect(generic.terms).toBeUndefined();
        const rows = normalRows(seed + 100, 15, 4);
        const codes = await fast.encode(rows, { backend });
        expect((await generic.encode(rows, { backend })).data).toEqual(codes.data);
        for (const columns of fast.prefixes) {
          const part = codes.prefix(columns);
          expect(await generic.decode(part)).toEqual(await fast.decode(part));
        }
      }),
      { numRuns: 20 },
    );
  });

  it("does not depend on how rows are batched", async () => {
    const rows = normalRows(3, 41, 3);
    for (const model of [
      randomModel(4, [8, 8, 8], 3),
      new ResidualModel(randomModel(4, [8, 8], 3).levels.map(opaque)),
    ]) {
      for (const beam of model.terms ? [1, 4] : [1]) {
        const all = await model.encode(rows, { backend, beam });
        for (const size of [1, 7, 40]) {
          const codes = await model.encode(stream(rows, size), { backend, beam });
          expect(codes.data).toEqual(all.data);
        }
        const tail = await model.encode(sliceRows(rows, 30, 41), { backend, beam });
        expect(tail.data).toEqual(all.data.slice(30 * all.columns));
      }
    }
  });

  it("decodes prefixes as the model of those levels does, whose codes are the first columns", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sizes, async (seed, sizes) => {
        const model = randomModel(seed, sizes, 3);
        const rows = normalRows(seed + 100, 10, 3);
        const codes = await model.encode(rows, { backend });
        for (let count = 1; count <= sizes.length; count++) {
          const coarser = model.prefix(count);
          const part = codes.prefix(count);
          expect((await coarser.encode(rows, { backend })).data).toEqual(part.data);
          expect(await coarser.decode(part)).toEqual(await model.decode(part));
        }
      }),
      { numRuns: 15 },
    );
    expect(() => randomModel(1, [2, 2], 2).prefix(3)).toThrow(
      /prefix of 3 levels of a model with 2/,
    );
  });

  it("never encodes a row worse by beam search than greedily, and better on average by a wider one", async () => {
    const totals = { 1: 0, 2: 0, 8: 0 };
    await fc.assert(
      fc.asyncProperty(seeds, sizes, async (seed, sizes) => {
        const model = randomModel(seed, sizes, 6);
        const rows = normalRows(seed + 100, 25, 6);
        const errors = async (beam: number) => {
          const codes = await model.encode(rows, { backend, beam });
          return rowErrors(rows, await model.decode(codes));
        };
        const greedy = await errors(1);
        for (const beam of [2, 8] as const) {
          (await errors(beam)).forEach((error, i) => {
            expect(error).toBeLessThanOrEqual(greedy[i]! + 1e-4);
            totals[beam] += error;
          });
        }
        totals[1] += greedy.reduce((sum, error) => sum + error, 0);
      }),
      { numRuns: 30 },
    );
    expect(totals[2]).toBeLessThan(0.99 * totals[1]);
    expect(totals[8]).toBeLessThan(0.99 * totals[2]);
  });

  it("gives the same codes where the backend cannot search, and the host chooses candidates", async () => {
    const minimal = createReferenceBackend({ minimal: true });
    await fc.assert(
      fc.asyncProperty(seeds, sizes, fc.integer({ min: 1, max: 5 }), async (seed, sizes, beam) => {
        const model = randomModel(seed, sizes, 5);
        const rows = normalRows(seed + 100, 20, 5);
        const codes = await model.encode(rows, { backend, beam });
        await expectNoLeaks(minimal, async () => {
          expect((await model.encode(rows, { backend: minimal, beam })).data).toEqual(codes.data);
        });
      }),
      { numRuns: 20 },
    );
  });

  it("finds the best of all codes with a beam as wide as there are", async () => {
    const model = randomModel(7, [5, 4, 3], 2);
    const rows = normalRows(8, 12, 2);
    const found = rowErrors(
      rows,
      await model.decode(await model.encode(rows, { backend, beam: 60 })),
    );
    const all = new Codes(
      Array.from({ length: 60 }, (_, c) => [
        Math.floor(c / 12),
        Math.floor(c / 3) % 4,
        c % 3,
      ]).flat(),
      [5, 4, 3],
    );
    const decoded = await model.decode(all);
    found.forEach((error, i) => {
      const each = Array.from({ length: 60 }, (_, c) =>
        referenceDistance(rows.data, i * 2, decoded.data, c * 2, 2, "l2"),
      );
      expect(error).toBeCloseTo(Math.min(...each), 5);
    });
  });

  it("says what is wrong: dimensions, columns, beams, rows", async () => {
    const model = randomModel(1, [2, 2, 2], 3);
    const flat = new VqModel({ kind: "vq", codebookSize: 2 }, normalRows(1, 2, 1));
    expect(() => new ResidualModel([model.levels[0]!, flat])).toThrow(ShapeError);
    expect(() => new ResidualModel([flat])).toThrow(ArgumentError);
    await expect(model.decode(new Codes([0], [3]).prefix(1))).resolves.toBeDefined();
    await expect(model.decode(new Codes([0, 0, 0, 0], [2, 2, 2, 2]))).rejects.toThrow(ShapeError);
    const rows = normalRows(1, 5, 3);
    for (const beam of [0, 1.5, 257]) {
      await expect(model.encode(rows, { backend, beam })).rejects.toThrow(/beam is/);
    }
    const generic = new ResidualModel(model.levels.map(opaque));
    await expect(generic.encode(rows, { backend, beam: 2 })).rejects.toThrow(/level 1 is vq2/);
    await expect(model.encode(normalRows(1, 2, 4), { backend })).rejects.toThrow(ShapeError);
    rows.data[4 * 3] = Number.NaN;
    await expectNoLeaks(backend, async () => {
      for (const [encoder, beam] of [
        [model, 1],
        [model, 3],
        [generic, 1],
      ] as const) {
        for (const input of [rows, stream(rows, 2)]) {
          await expect(encoder.encode(input, { backend, beam })).rejects.toMatchObject({ row: 4 });
        }
      }
    });
  });

  it("leaves no tensors, also when aborted", async () => {
    const model = randomModel(1, [4, 4, 4], 3);
    const rows = normalRows(1, 30, 3);
    await expectNoLeaks(backend, async () => {
      for (const beam of [1, 5]) {
        await model.encode(rows, { backend, beam });
        const controller = new AbortController();
        const encoding = model.encode(rows, { backend, beam, signal: controller.signal });
        controller.abort();
        await expect(encoding).rejects.toThrow(AbortedError);
      }
    });
  });
});

function rowNorms({ data, rows, cols }: Matrix): number[] {
  return Array.from({ length: rows }, (_, i) =>
    Math.hypot(...data.subarray(i * cols, (i + 1) * cols)),
  );
}
