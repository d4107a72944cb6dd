import {
  AbortedError,
  checkSpec,
  CodeRangeError,
  Codes,
  createQuantizers,
  encodeBatches,
  expectNoLeaks,
  FormatError,
  type Model,
  parseSpec,
  printSpec,
  saveModel,
  ShapeError,
  SpecError,
  sq,
  type SqSpec,
} from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backend, matrices, normalRows, onceOnly, roundTrip, stream } from "../test/rows.js";
import { fitScalar, type FitScalarOptions, type ScalarModel, scalarPart } from "./index.js";

const quantizers = createQuantizers([scalarPart]);

/** Every kind of scalar quantizer that a spec can say. */
const SPECS = [
  ...[1, 2, 4, 6, 8].flatMap((bits) => [
    `sq${bits}`,
    `sq${bits}(range=quantile)`,
    `sq${bits}(range=meanstd)`,
    `sq${bits}(range=optimal)`,
    `sq${bits}(levels=quantile)`,
    `sq${bits}(levels=lloydmax)`,
  ]),
  "sq8(shared=true)",
  "sq4(range=optimal,shared=true)",
  "sq4(levels=quantile,shared=true)",
  "sq2(levels=lloydmax,shared=true)",
  "sq4(levels=lloydmax,scale=optimal)",
  "sq2(levels=lloydmax,scale=unbiased)",
  "fp16",
  "bf16",
];
const scaled = (spec: string): boolean => spec.includes("scale=");
const float = (spec: string): boolean => /^[fb]/.test(spec);

describe("every scalar quantizer", () => {
  it.each(SPECS)("%s: spelled as string, JSON and builder it is the same", async (text) => {
    const spec = parseSpec(text) as SqSpec;
    expect(printSpec(spec)).toBe(text);
    expect(checkSpec(JSON.parse(JSON.stringify(spec)))).toEqual(spec);
    const { kind: _kind, bits, ...options } = spec;
    expect(sq(bits, options)).toEqual(spec);
    const model = await fitScalar(normalRows(1, 9, 3), spec as FitScalarOptions);
    expect(model.spec).toEqual(spec);
  });

  it.each(SPECS)(
    "%s: codes are in range, and decode within the range of the rows",
    async (text) => {
      await fc.assert(
        fc.asyncProperty(matrices, async (rows) => {
          const model = (await quantizers.fit(text, rows, { backend })) as ScalarModel;
          const codes = await model.encode(rows, { backend });
          expect([codes.rows, codes.columns]).toEqual([rows.rows, model.cardinalities.length]);
          expect(model.dimension).toBe(rows.cols);
          const decoded = await model.decode(codes);
          expect([decoded.rows, decoded.cols]).toEqual([rows.rows, rows.cols]);
          expect(decoded.data.every(Number.isFinite)).toBe(true);
          if (scaled(text) || float(text)) return;
          // Values far outside too.
          const far = await roundTrip(model, { ...rows, data: rows.data.map((v) => 3 * v + 1) });
          const all = Array.from(rows.data);
          for (let j = 0; j < rows.cols; j++) {
            const own = text.includes("shared") ? all : all.filter((_, i) => i % rows.cols === j);
            const [low, high] = [Math.min(...own), Math.max(...own)];
            for (let i = j; i < decoded.data.length; i += rows.cols) {
              for (const value of [decoded.data[i]!, far.data[i]!]) {
                expect(value).toBeGreaterThanOrEqual(low);
                expect(value).toBeLessThanOrEqual(high);
              }
            }
          }
        }),
        { numRuns: 12 },
      );
    },
  );

  it.each(SPECS)(
    "%s: the file holds all, and a stream fits and encodes as a matrix",
    async (text) => {
      const rows = normalRows(3, 50, 6);
      const model = await quantizers.fit(text, rows, { backend });
      const bytes = model.save();
      const loaded = quantizers.load(bytes);
      expect(loaded.save()).toEqual(bytes);
      const codes = await model.encode(rows, { backend });
      expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
      expect((await loaded.decode(codes)).data).toEqual((await model.decode(codes)).data);
      expect((await quantizers.fit(text, stream(rows, 7), { backend })).save()).toEqual(bytes);
      expect((await quantizers.fit(text, onceOnly(rows), { backend })).save()).toEqual(bytes);
      for (const batchRows of [1, 7, 50]) {
        const parts: number[] = [];
        for await (const part of encodeBatches(model, stream(rows, 11), { backend, batchRows })) {
          parts.push(...part.data);
        }
        expect(parts).toEqual([...codes.data]);
      }
      const none = { data: new Float32Array(0), rows: 0, cols: 6 };
      expect((await model.encode(none, { backend })).rows).toBe(0);
    },
  );

  it.each(SPECS)("%s: names the row that is not finite, in fitting and encoding", async (text) => {
    const rows = normalRows(4, 40, 3);
    const model = await quantizers.fit(text, rows, { backend });
    const bad = { ...rows, data: rows.data.slice() };
    bad.data[31 * 3 + 2] = Number.NaN;
    bad.data[35 * 3] = Infinity;
    await expectNoLeaks(backend, async () => {
      await expect(model.encode(bad, { backend })).rejects.toMatchObject({ row: 31 });
      await expect(model.encode(stream(bad, 7), { backend })).rejects.toMatchObject({ row: 31 });
    });
    if (!float(text)) {
      await expect(quantizers.fit(text, bad, { backend })).rejects.toMatchObject({ row: 31 });
      await expect(quantizers.fit(text, stream(bad, 7))).rejects.toMatchObject({ row: 31 });
    }
    await expect(model.encode(normalRows(4, 2, 4), { backend })).rejects.toThrow(ShapeError);
  });

  it.each(SPECS.filter((text) => !scaled(text) && !float(text)))(
    "%s: its terms decode as it does",
    async (text) => {
      const rows = normalRows(5, 30, 4);
      const model = await quantizers.fit(text, rows, { backend });
      const codes = await model.encode(rows, { backend });
      const { data } = await model.decode(codes);
      const { terms } = model;
      expect(terms).toHaveLength(4);
      const summed = data.map((_, at) => {
        const { codebook, column, offset } = terms![at % 4]!;
        expect(offset).toBe(column);
        return codebook.data[codes.data[at]!]!;
      });
      expect(summed).toEqual(data);
    },
  );
});

describe("fitScalar", () => {
  it("fits to a sample", async () => {
    const rows = normalRows(10, 500, 3);
    const options = { bits: 4, sample: 50, seed: 2 };
    const model = await fitScalar(rows, options);
    expect((await fitScalar(onceOnly(rows), options)).save()).toEqual(model.save());
    expect((await fitScalar(rows, { bits: 4 })).save()).not.toEqual(model.save());
    await expect(fitScalar(rows, { sample: 0 })).rejects.toThrow(/sample is 0/);
  });

  it("refuses what does not go together, no rows, and codes of another model", async () => {
    const rows = normalRows(11, 5, 2);
    await expect(fitScalar(rows, { bits: 3 })).rejects.toThrow(SpecError);
    await expect(fitScalar(rows, { levels: "quantile", range: "optimal" })).rejects.toThrow(
      SpecError,
    );
    await expect(fitScalar(rows, { scale: "optimal" })).rejects.toThrow(SpecError);
    const none = { data: new Float32Array(0), rows: 0, cols: 2 };
    for (const spec of ["sq8", "sq8(range=optimal)", "fp16"]) {
      await expect(quantizers.fit(spec, stream(none, 1))).rejects.toThrow(ShapeError);
    }
    const model = await fitScalar(rows, { bits: 2 });
    await expect(model.decode(new Codes([1, 2, 3], [4, 4, 4]))).rejects.toThrow(ShapeError);
    await expect(model.decode(new Codes([1, 4], [8, 8]))).rejects.toThrow(CodeRangeError);
  });

  it("stops on abort", async () => {
    const rows = normalRows(12, 50, 4);
    for (const range of ["minmax", "optimal"] as const) {
      const controller = new AbortController();
      const fitting = fitScalar(rows, {
        range,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
      await expect(fitting).rejects.toThrow(AbortedError);
      await expect(fitScalar(rows, { range, signal: AbortSignal.abort() })).rejects.toThrow(
        AbortedError,
      );
    }
  });

  it("refuses a file whose tensors do not fit together", async () => {
    const model = await fitScalar(normalRows(13, 9, 2), { bits: 2 });
    const wide = await fitScalar(normalRows(13, 9, 3), { bits: 2 });
    const { tensors } = model.state();
    const mixed = { tensors: { ...tensors, step: wide.state().tensors["step"]! } };
    const without = { tensors: {}, facts: {} };
    const half = await fitScalar(normalRows(13, 9, 2), { levels: "fp16" });
    for (const [saved, state] of [
      [model, mixed],
      [model, without],
      [half, without],
    ] as const) {
      const bytes = saveModel({ spec: saved.spec, state: () => state } as unknown as Model);
      expect(() => quantizers.load(bytes)).toThrow(FormatError);
    }
  });
});
