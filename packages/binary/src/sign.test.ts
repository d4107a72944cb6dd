import {
  AbortedError,
  ArgumentError,
  CodeRangeError,
  Codes,
  createQuantizers,
  decodeSafetensors,
  encodeSafetensors,
  evaluate,
  expectNoLeaks,
  FormatError,
  type Matrix,
  matrix,
  NonFiniteError,
  type Rows,
  ShapeError,
  sliceRows,
} from "@tessera/core";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitSign, SignModel, signPart } from "./index.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([signPart]);

/** A stream that can be read again, cut into batches of `size`. */
function stream(rows: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < rows.rows; start += size) {
        yield sliceRows(rows, start, Math.min(rows.rows, start + size));
      }
    },
  };
}

async function* onceOnly(rows: Matrix) {
  yield rows;
}

const four = matrix([
  [-1, 10],
  [-3, 20],
  [2, 60],
  [6, 30],
]);

describe("fitSign", () => {
  it("decodes each bit to the mean of its side", async () => {
    const model = await fitSign(four);
    expect([...model.thresholds.data]).toEqual([0, 0]);
    // No value of the second dimension lies at or below 0: its 0 stands at the threshold.
    expect([...model.reconstruction.data]).toEqual([-2, 0, 4, 30]);
    expect(model.facts.distortion).toBe((1 + 1 + 4 + 4 + 400 + 100 + 900) / 4);
  });

  it("takes means or medians as thresholds", async () => {
    const means = await fitSign(four, { threshold: "mean" });
    expect([...means.thresholds.data]).toEqual([1, 30]);
    expect([...means.reconstruction.data]).toEqual([-2, 20, 4, 60]);
    const medians = await fitSign(four, { threshold: "median" });
    expect([...medians.thresholds.data]).toEqual([0.5, 25]);
    expect([...medians.reconstruction.data]).toEqual([-2, 15, 4, 45]);
    expect(medians.spec).toEqual({ kind: "sign", threshold: "median" });
  });

  it("knows its distortion on its training rows", async () => {
    const rows = gaussianMatrix(200, 7, { seed: 1, mean: 0.4 });
    for (const threshold of ["zero", "mean", "median"] as const) {
      const model = await fitSign(rows, { threshold });
      const { distortion } = await evaluate(model, rows, { backend });
      expect(model.facts.distortion).toBeCloseTo(distortion, 4);
    }
  });

  it("gives the same model for a matrix and any stream of its rows", async () => {
    const rows = gaussianMatrix(90, 5, { seed: 2, mean: 1 });
    for (const threshold of ["zero", "mean", "median"] as const) {
      for (const sample of [undefined, 20]) {
        const options = { threshold, sample, seed: 4 };
        const bytes = (await fitSign(rows, options)).save();
        for (const size of [1, 7, 90]) {
          expect((await fitSign(stream(rows, size), options)).save()).toEqual(bytes);
        }
      }
    }
  });

  it("reads a stream once for thresholds of 0 or a sample, and otherwise asks for one that starts anew", async () => {
    expect((await fitSign(onceOnly(four))).save()).toEqual((await fitSign(four)).save());
    const mean = { threshold: "mean", sample: 4 } as const;
    expect((await fitSign(onceOnly(four), mean)).save()).toEqual(
      (await fitSign(four, mean)).save(),
    );
    await expect(fitSign(onceOnly(four), { threshold: "mean" })).rejects.toThrow(ArgumentError);
  });

  it("says what is wrong: no rows, a row that is not finite, options that are none", async () => {
    const none = { data: new Float32Array(0), rows: 0, cols: 2 };
    for (const threshold of ["zero", "mean", "median"] as const) {
      await expect(fitSign(none, { threshold })).rejects.toThrow(ShapeError);
      const rows = gaussianMatrix(30, 3, { seed: 3 });
      rows.data[21 * 3 + 1] = Number.NaN;
      for (const input of [rows, stream(rows, 4)]) {
        await expect(fitSign(input, { threshold })).rejects.toMatchObject({ row: 21 });
      }
    }
    await expect(fitSign(four, { sample: 0 })).rejects.toThrow(/sample is 0/);
    await expect(fitSign(four, { threshold: "mode" as "mean" })).rejects.toThrow(/"mode"/);
  });

  it("stops on abort and tells how far it is", async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const options = {
      threshold: "mean",
      signal: controller.signal,
      onProgress: ({ done }: { done: number }) => {
        seen.push(done);
        controller.abort();
      },
    } as const;
    await expect(fitSign(four, options)).rejects.toThrow(AbortedError);
    expect(seen).toEqual([4]);
  });
});

describe("SignModel", () => {
  it("gives a 1 to values that exceed their threshold", async () => {
    const model = new SignModel(
      { kind: "sign", threshold: "mean" },
      matrix([[0, 1, -1]]),
      matrix([
        [-1, 0, -2],
        [1, 2, 0],
      ]),
    );
    const codes = await model.encode(
      matrix([
        [0, 1, -1],
        [0.5, 1.5, -0.5],
        [-0, 9, -9],
      ]),
      { backend },
    );
    expect(codes.cardinalities).toEqual([2, 2, 2]);
    expect([...codes.data]).toEqual([0, 0, 0, 1, 1, 1, 0, 1, 0]);
    const decoded = await model.decode(codes);
    expect([...decoded.data]).toEqual([-1, 0, -2, 1, 2, 0, -1, 2, -2]);
    expect(model.terms[1]).toMatchObject({ column: 1, offset: 1 });
    expect(model.prefixes).toEqual([3]);
  });

  it("encodes as a comparison does, in any batches, and leaves no tensors", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 30 }),
        async (seed, cols, size) => {
          const rows = gaussianMatrix(25, cols, { seed });
          const model = await fitSign(rows, { threshold: "median" });
          await expectNoLeaks(backend, async () => {
            const codes = await model.encode(stream(rows, size), { backend });
            const expected = rows.data.map((value, at) =>
              value > model.thresholds.data[at % cols]! ? 1 : 0,
            );
            expect([...codes.data]).toEqual([...expected]);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it("survives a round trip through its file, facts included", async () => {
    for (const spec of ["sign", "sign(threshold=mean)", "sign(threshold=median)"]) {
      const model = (await quantizers.fit(spec, four)) as SignModel;
      const loaded = quantizers.load(model.save()) as SignModel;
      expect(loaded.save()).toEqual(model.save());
      expect(loaded.facts).toEqual(model.facts);
      expect(loaded.spec).toEqual(model.spec);
    }
  });

  it("names what is wrong with rows and codes", async () => {
    const model = await fitSign(four);
    await expect(model.encode(matrix([[1, 2, 3]]), { backend })).rejects.toThrow(ShapeError);
    await expect(model.encode(matrix([[1, Infinity]]), { backend })).rejects.toThrow(
      NonFiniteError,
    );
    await expect(model.decode(new Codes([1], [2]))).rejects.toThrow(ShapeError);
    await expect(model.decode(new Codes([1, 2], [3, 3]))).rejects.toThrow(CodeRangeError);
    const { spec, thresholds, reconstruction } = model;
    expect(() => new SignModel(spec, reconstruction, reconstruction)).toThrow(ShapeError);
    expect(() => new SignModel(spec, matrix([[0]]), reconstruction)).toThrow(/must be \[1, d\]/);
    expect(() => new SignModel(spec, matrix([[0, Number.NaN]]), reconstruction)).toThrow(
      NonFiniteError,
    );
    expect(thresholds.rows).toBe(1);
  });

  it("refuses a hostile file", async () => {
    const { tensors, metadata } = decodeSafetensors((await fitSign(four)).save());
    const remade = (name: string, data: Float32Array, shape: number[]) =>
      encodeSafetensors(
        { ...Object.fromEntries(tensors), [name]: { dtype: "F32", shape, data } },
        metadata,
      );
    const load = (name: string, values: number[], shape: number[]) => () =>
      quantizers.load(remade(name, Float32Array.from(values), shape));
    expect(load("thresholds", [0, 0], [2, 1])).toThrow(FormatError);
    expect(load("thresholds", [0], [1, 1])).toThrow(/must be \[1, d\] and \[2, d\]/);
    expect(load("thresholds", [0, Number.NaN], [1, 2])).toThrow(FormatError);
    expect(load("reconstruction", [1, 2, 3, 4], [4, 1])).toThrow(FormatError);
    expect(load("reconstruction", [], [2, 0])).toThrow(FormatError);
  });
});
