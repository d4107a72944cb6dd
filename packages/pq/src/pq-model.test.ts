import {
  createReferenceBackend,
  gaussianMatrix,
  referenceDistance,
} from "@tessera/backend-testkit";
import {
  AbortedError,
  ArgumentError,
  CodeRangeError,
  Codes,
  distortion,
  expectNoLeaks,
  type Matrix,
  matrix,
  NonFiniteError,
  ShapeError,
  sliceColumns,
  sliceRows,
  tieTolerance,
} from "@tessera/core";
import { VqModel } from "@tessera/vq";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomPq, stream } from "../test/rows.js";
import { PqModel, quantizers, SplitModel } from "./index.js";

const backend = createReferenceBackend();
const seeds = fc.integer({ min: 0, max: 1e6 });
const shapes = fc.record({
  seed: seeds,
  groups: fc.integer({ min: 2, max: 6 }),
  size: fc.integer({ min: 1, max: 12 }),
  width: fc.integer({ min: 1, max: 5 }),
});

/** Codewords (0, 0), (2, 2) for the first two values, (0, 0), (0, 4) for the last two. */
const toy = new PqModel([
  matrix([
    [0, 0],
    [2, 2],
  ]),
  matrix([
    [0, 0],
    [0, 4],
  ]),
]);

describe("PqModel", () => {
  it("encodes each slice by its nearest codeword and decodes them side by side", async () => {
    const rows = matrix([
      [0, 1, 1, 1],
      [2, 1, 0, 3],
      [1.5, 1.5, -3, 9],
    ]);
    const codes = await toy.encode(rows, { backend });
    expect([...codes.data]).toEqual([0, 0, 1, 1, 1, 1]);
    expect(codes.data).toBeInstanceOf(Uint8Array);
    const decoded = await toy.decode(codes);
    expect([...decoded.data]).toEqual([0, 0, 0, 0, 2, 2, 0, 4, 2, 2, 0, 4]);
    // Squared errors 1 + 2, 1 + 1 and 0.5 + 34.
    expect(distortion(rows, decoded)).toBeCloseTo((3 + 2 + 34.5) / 3, 6);
  });

  it("has a column and a term per group, and one prefix", () => {
    expect(toy.spec).toEqual({ kind: "split", groups: 2, each: { kind: "vq", codebookSize: 2 } });
    expect(toy.dimension).toBe(4);
    expect(toy.cardinalities).toEqual([2, 2]);
    expect(toy.prefixes).toEqual([2]);
    expect(toy.terms).toEqual([
      { column: 0, offset: 0, codebook: toy.codebooks[0] },
      { column: 1, offset: 2, codebook: toy.codebooks[1] },
    ]);
  });

  it("finds the nearest codeword of every slice, wherever distances are not tied", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ seed, groups, size, width }) => {
        const model = randomPq(seed, groups, size, width);
        const rows = gaussianMatrix(12, groups * width, { seed: seed + 99 });
        const codes = await model.encode(rows, { backend });
        expect([codes.rows, codes.columns]).toEqual([12, groups]);
        const decoded = await model.decode(codes);
        model.codebooks.forEach(({ data }, m) => {
          const slice = sliceColumns(rows, m * width, (m + 1) * width);
          const chosen = sliceColumns(decoded, m * width, (m + 1) * width);
          const longest = Math.max(...norms({ data, rows: size, cols: width }));
          norms(slice).forEach((norm, i) => {
            const to = (c: number) =>
              referenceDistance(slice.data, i * width, data, c * width, width, "l2");
            const least = Math.min(...Array.from({ length: size }, (_, c) => to(c)));
            const error = referenceDistance(
              slice.data,
              i * width,
              chosen.data,
              i * width,
              width,
              "l2",
            );
            expect(error).toBeLessThanOrEqual(least + tieTolerance(width, norm, longest));
          });
        });
      }),
      { numRuns: 25 },
    );
  });

  it("encodes as the product of its codebooks one by one does", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, async ({ seed, groups, size, width }) => {
        const model = randomPq(seed, groups, size, width);
        const split = new SplitModel(
          model.codebooks.map(
            (codebook) => new VqModel({ kind: "vq", codebookSize: size }, codebook),
          ),
        );
        const rows = gaussianMatrix(9, groups * width, { seed: seed + 99 });
        const codes = await model.encode(rows, { backend });
        expect((await split.encode(rows, { backend })).data).toEqual(codes.data);
        expect(await split.decode(codes)).toEqual(await model.decode(codes));
        expect(split.spec).toEqual(model.spec);
        expect(split.terms).toEqual(model.terms);
      }),
      { numRuns: 15 },
    );
  });

  it("does not depend on how rows are batched", async () => {
    const model = randomPq(1, 3, 8, 2);
    const rows = gaussianMatrix(41, 6, { seed: 9 });
    const all = await model.encode(rows, { backend });
    for (const size of [1, 7, 40]) {
      expect((await model.encode(stream(rows, size), { backend })).data).toEqual(all.data);
    }
    const tail = await model.encode(sliceRows(rows, 30, 41), { backend });
    expect(tail.data).toEqual(all.data.slice(30 * 3));
    expect((await model.encode(sliceRows(rows, 0, 0), { backend })).rows).toBe(0);
  });

  it("survives a round trip through its file, for 1 to 16 bits", async () => {
    for (const size of [1, 2, 5, 257, 65_536]) {
      const model = randomPq(2, 2, size, 1);
      const bytes = model.save();
      const loaded = quantizers.load(bytes) as PqModel;
      expect(loaded).toBeInstanceOf(PqModel);
      expect(loaded.cardinalities).toEqual([size, size]);
      expect(Buffer.compare(loaded.save(), bytes)).toBe(0);
    }
    const facts = { distortion: 1.5, iterations: 7 };
    const model = new PqModel(toy.codebooks, facts);
    expect((quantizers.load(model.save()) as PqModel).facts).toEqual(facts);
    expect(Object.keys(model.state().tensors)).toEqual(["groups.0.codebook", "groups.1.codebook"]);
  });

  it("says what is wrong: codebooks, rows, codes", async () => {
    const [first] = toy.codebooks;
    expect(() => new PqModel([first!])).toThrow(ArgumentError);
    expect(() => new PqModel([first!, matrix([[1, 2]])])).toThrow(
      "the codebook of group 2 is [1, 2], that of group 1 [2, 2]",
    );
    expect(() => new PqModel([first!, { ...first!, rows: 7 }])).toThrow(ShapeError);
    expect(
      () =>
        new PqModel([
          first!,
          matrix([
            [0, 0],
            [0, NaN],
          ]),
        ]),
    ).toThrow(NonFiniteError);
    await expect(toy.encode(matrix([[1, 2, 3]]), { backend })).rejects.toThrow(ShapeError);
    await expect(toy.decode(new Codes([0], [2]))).rejects.toThrow(ShapeError);
    await expect(toy.decode(new Codes([0, 3], [4, 4]))).rejects.toThrow(CodeRangeError);
    const rows = gaussianMatrix(9, 4);
    rows.data[7 * 4 + 2] = Infinity;
    await expectNoLeaks(backend, async () => {
      for (const input of [rows, stream(rows, 2)]) {
        await expect(toy.encode(input, { backend })).rejects.toMatchObject({ row: 7 });
      }
    });
  });

  it("leaves no tensors, also when aborted", async () => {
    const rows = gaussianMatrix(30, 4);
    await expectNoLeaks(backend, async () => {
      await toy.encode(rows, { backend });
      const controller = new AbortController();
      const encoding = toy.encode(rows, { backend, signal: controller.signal });
      controller.abort();
      await expect(encoding).rejects.toThrow(AbortedError);
      await expect(
        toy.decode(new Codes([0, 0], [2, 2]), { signal: controller.signal }),
      ).rejects.toThrow(AbortedError);
    });
  });
});

function norms({ data, rows, cols }: Matrix): number[] {
  return Array.from({ length: rows }, (_, i) =>
    Math.hypot(...data.subarray(i * cols, (i + 1) * cols)),
  );
}
