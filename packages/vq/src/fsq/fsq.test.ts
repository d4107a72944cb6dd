import {
  ArgumentError,
  Codes,
  createQuantizers,
  evaluate,
  expectNoLeaks,
  FormatError,
  type FsqSpec,
  type Matrix,
  matrix,
  type Model,
  saveModel,
  ShapeError,
  SpecError,
} from "@tessera/core";
import { pickBackend } from "@tessera/backend";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { onceOnly, stream } from "../../test/rows.js";
import { fitFsq, fsqDigits, fsqIndices, FsqModel, fsqPart, lfqBits, lfqIndices } from "../index.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([fsqPart]);

function pure(levels: readonly number[]): FsqModel {
  return new FsqModel({ kind: "fsq", levels, scale: "none" });
}

describe("the bound as published", () => {
  it.each([3, 4, 5, 8, 16, 255, 256])("rounds to %i values as the formula does", async (levels) => {
    const half = ((levels - 1) * 1.001) / 2;
    const offset = levels % 2 === 0 ? 0.5 : 0;
    const bounded = (z: number) => Math.tanh(z + Math.atanh(offset / half)) * half - offset;
    const values = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 400).filter((z) => {
      const position = bounded(Math.fround(z));
      return Math.abs(position - Math.floor(position) - 0.5) > 1e-4;
    });
    const model = pure([levels]);
    const codes = await model.encode(matrix(Float32Array.from(values), 1), { backend });
    const rounded = values.map((z) => Math.round(bounded(Math.fround(z))) + 0);
    const middle = Math.floor(levels / 2);
    expect([...codes.data]).toEqual(rounded.map((value) => value + middle));
    const decoded = await model.decode(codes);
    expect([...decoded.data]).toEqual(rounded.map((value) => Math.fround(value / middle)));
  });

  it("has nothing to learn", async () => {
    const rows = gaussianMatrix(9, 3, { seed: 1 });
    const model = await quantizers.fit("fsq(8,5,3,scale=none)", onceOnly(rows));
    expect(model.state()).toEqual({ tensors: {}, facts: {} });
    expect(model.spec).toEqual({ kind: "fsq", levels: [8, 5, 3], scale: "none" });
    const loaded = quantizers.load(model.save());
    expect(loaded.save()).toEqual(model.save());
    expect((await loaded.encode(rows, { backend })).data).toEqual(
      (await model.encode(rows, { backend })).data,
    );
  });

  it("of two values takes signs: lfq", async () => {
    const rows = matrix([
      [0.3, -0.1, 0, 2],
      [-4, 0.01, -0, -1e-30],
    ]);
    const model = await quantizers.fit("lfq4", rows);
    const codes = await model.encode(rows, { backend });
    expect([...codes.data]).toEqual([1, 0, 0, 1, 0, 1, 0, 0]);
    expect([...(await model.decode(codes)).data]).toEqual([1, -1, -1, 1, -1, 1, -1, -1]);
  });
});

describe("the learned bound", () => {
  it("is as good as levels placed for normal values", async () => {
    const rows = gaussianMatrix(4000, 3, { seed: 2, mean: 40, spread: 7 });
    for (const [levels, best] of [
      [2, 0.363],
      [5, 0.0799],
      [8, 0.0345],
      [16, 0.0095],
    ] as const) {
      const model = await fitFsq(rows, { levels: [levels, levels, levels], backend });
      const { distortion, relativeDistortion } = await evaluate(model, rows, { backend });
      expect(relativeDistortion).toBeLessThan(1.2 * best);
      expect(model.facts.distortion! / distortion).toBeCloseTo(1, 4);
    }
  });

  it("is never worse than the mean, whatever the rows", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 2, maxLength: 2 }),
          {
            minLength: 1,
            maxLength: 30,
          },
        ),
        fc.integer({ min: 2, max: 20 }),
        async (lists, levels) => {
          const rows = matrix(lists);
          const model = await fitFsq(rows, { levels: [levels, 2], backend });
          const { distortion, totalVariance } = await evaluate(model, rows, { backend });
          expect(distortion).toBeLessThanOrEqual(totalVariance * (1 + 1e-5) + 1e-6);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("decodes to the means of its cells, and to their middles where no row was", async () => {
    const rows = matrix([[-1], [-0.9], [1], [1.1]]);
    const model = await fitFsq(rows, { levels: [7], backend });
    const codes = await model.encode(rows, { backend });
    const values = model.scales!.values.data;
    expect(values[codes.data[0]!]).toBeCloseTo(-0.95);
    expect(values[codes.data[2]!]).toBeCloseTo(1.05);
    expect(values).toEqual(values.toSorted());
    expect(values[3]).toBeCloseTo(0.05);
  });

  it("is the same from a matrix and any stream, on the CPU, and from its file", async () => {
    const rows = gaussianMatrix(300, 4, { seed: 3 });
    const spec = "fsq(8,5,256,2)";
    const model = (await quantizers.fit(spec, rows, { backend })) as FsqModel;
    const bytes = model.save();
    expect((await quantizers.fit(spec, stream(rows, 7), { backend })).save()).toEqual(bytes);
    const loaded = quantizers.load(bytes);
    expect(loaded.save()).toEqual(bytes);
    const codes = await model.encode(rows, { backend });
    expect((await loaded.encode(stream(rows, 13), { backend })).data).toEqual(codes.data);
    expect((await loaded.decode(codes)).data).toEqual((await model.decode(codes)).data);
    const cpu = await pickBackend({ name: "cpu" });
    await expectNoLeaks(cpu, async () => {
      expect((await quantizers.fit(spec, rows, { backend: cpu })).save()).toEqual(bytes);
    });
    cpu.dispose();
  });

  it("fits to a sample, also of rows that can be read only once", async () => {
    const rows = gaussianMatrix(200, 2, { seed: 4 });
    const options = { levels: [5, 4], sample: 50, seed: 3, backend };
    const model = await fitFsq(rows, options);
    expect((await fitFsq(onceOnly(rows), options)).save()).toEqual(model.save());
    await expect(fitFsq(onceOnly(rows), { levels: [5, 4], backend })).rejects.toThrow("only once");
    await expect(fitFsq(rows, { ...options, sample: 0 })).rejects.toThrow(/sample is 0/);
  });
});

describe("what is refused", () => {
  it("rows of another width, with a way out", async () => {
    const rows = gaussianMatrix(20, 10, { seed: 5 });
    for (const scale of ["learned", "none"] as const) {
      const error: unknown = await fitFsq(rows, { levels: [8, 5, 5, 5], scale, backend }).catch(
        (e: unknown) => e,
      );
      expect(error).toBeInstanceOf(ShapeError);
      expect((error as ShapeError).message).toContain("takes rows of 4 values; these have 10");
      expect((error as ShapeError).hint).toContain("pca4>fsq(8,5,5,5");
    }
    await expect(fitFsq(rows, { levels: Array.from({ length: 11 }, () => 3) })).rejects.toThrow(
      "takes rows of 11 values",
    );
  });

  it("levels out of range, no rows, rows that are not finite, codes of another model", async () => {
    const rows = gaussianMatrix(20, 2, { seed: 6 });
    await expect(fitFsq(rows, { levels: [1, 2] })).rejects.toThrow(SpecError);
    await expect(fitFsq(rows, { levels: [] })).rejects.toThrow(SpecError);
    const none = { data: new Float32Array(0), rows: 0, cols: 2 };
    for (const scale of ["learned", "none"] as const) {
      await expect(fitFsq(none, { levels: [3, 3], scale })).rejects.toThrow(ShapeError);
    }
    const model = await fitFsq(rows, { levels: [3, 5], backend });
    rows.data[2 * 13 + 1] = Number.NaN;
    for (const input of [rows, stream(rows, 3)]) {
      await expect(fitFsq(input, { levels: [3, 5], backend })).rejects.toMatchObject({ row: 13 });
      await expect(model.encode(input, { backend })).rejects.toMatchObject({ row: 13 });
    }
    await expect(model.decode(new Codes([3, 0], [5, 5]))).rejects.toThrow("outside 0..2");
  });

  it("files whose tensors do not fit", async () => {
    const model = await fitFsq(gaussianMatrix(20, 2, { seed: 7 }), { levels: [3, 5], backend });
    const { tensors } = model.state();
    const remade = (changed: Record<string, unknown>) =>
      saveModel({
        spec: model.spec,
        state: () => ({ tensors: { ...tensors, ...changed }, facts: {} }),
      } as unknown as Model);
    const tensor = (data: number[], shape: number[]) => ({
      dtype: "F32",
      shape,
      data: Float32Array.from(data),
    });
    expect(() => quantizers.load(remade({ values: tensor([1, 2, 3], [3, 1]) }))).toThrow(
      FormatError,
    );
    expect(() => quantizers.load(remade({ center: tensor([1], [1, 1]) }))).toThrow("center is");
    expect(() => quantizers.load(remade({ scale: tensor([1, 0], [1, 2]) }))).toThrow("not above 0");
    const { scales } = model;
    const spec: FsqSpec = { kind: "fsq", levels: [3, 5] };
    expect(() => new FsqModel(spec)).toThrow("has no scales");
    expect(() => new FsqModel({ ...spec, scale: "none" }, scales)).toThrow("takes no scales");
  });
});

describe("one index for a row of codes", () => {
  const shapes = fc
    .array(fc.integer({ min: 2, max: 300 }), { minLength: 1, maxLength: 6 })
    .chain((levels) =>
      fc.record({
        levels: fc.constant(levels),
        digits: fc.array(fc.tuple(...levels.map((count) => fc.nat(count - 1))), { minLength: 1 }),
      }),
    );

  it("converts both ways, the first dimension least significant", () => {
    fc.assert(
      fc.property(shapes, ({ levels, digits }) => {
        const codes = new Codes(digits.flat(), levels);
        const indices = fsqIndices(codes, levels);
        expect(fsqDigits(indices, levels).data).toEqual(codes.data);
        expect(indices[0]! % levels[0]!).toBe(digits[0]![0]);
      }),
    );
    expect([
      ...fsqIndices(new Codes([7, 4, 4, 4, 1, 0, 0, 0], [8, 5, 5, 5]), [8, 5, 5, 5]),
    ]).toEqual([999, 1]);
  });

  it("of signs has the first dimension most significant", () => {
    const codes = new Codes([1, 0, 0, 0, 0, 0, 1, 1], [2, 2, 2, 2]);
    expect([...lfqIndices(codes)]).toEqual([8, 3]);
    expect(lfqBits([8, 3], 4).data).toEqual(codes.data);
  });

  it("refuses what does not fit", () => {
    const codes = new Codes([1, 2], [4, 4]);
    expect(() => fsqIndices(codes, [4, 5])).toThrow(ShapeError);
    expect(() => lfqIndices(codes)).toThrow(ShapeError);
    expect(() => fsqDigits([16], [4, 4])).toThrow("index 16 at row 0 is outside 0..15");
    expect(() => fsqDigits([0.5], [4, 4])).toThrow(ArgumentError);
    expect(() => lfqBits([0], 54)).toThrow("more than 2^53");
  });
});

function shapeOf({ rows, cols }: Matrix): number[] {
  return [rows, cols];
}

it("encodes no rows to no codes", async () => {
  const model = pure([4, 4]);
  const none = { data: new Float32Array(0), rows: 0, cols: 2 };
  const codes = await model.encode(none, { backend });
  expect(shapeOf(await model.decode(codes))).toEqual([0, 2]);
});
