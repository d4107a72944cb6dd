import { readFileSync } from "node:fs";
import {
  ArgumentError,
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  matrix,
  printSpec,
} from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quantizers } from "../../test/quantizers.js";
import {
  readVectorQuantizePytorch,
  UnsupportedError,
  type VectorQuantizePytorchOptions,
  writeVectorQuantizePytorch,
} from "../index.js";

const folder = new URL("../../test/golden/torch/", import.meta.url);
const file = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`${name}.safetensors`, folder)));
const expected = JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as {
  rows: number[][];
  cases: Record<string, { codes: number[][]; quantized: number[][] }>;
};
const rows = matrix(expected.rows);

const READABLE: readonly [name: string, spec: string, options?: VectorQuantizePytorchOptions][] = [
  ["vq", "vq16"],
  ["vq-cosine", "vq16(metric=cosine)", { cosine: true }],
  ["vq-heads", "pq2x8"],
  ["vq-heads-cosine", "split2(vq8(metric=cosine))", { cosine: true }],
  ["vq-shared-heads", "split2(vq8,shared=true)", { heads: 2 }],
  ["rvq", "vq16+vq8+vq8"],
  ["rvq-cosine", "vq8(metric=cosine)+vq8(metric=cosine)", { cosine: true }],
  ["rvq-shared", "rq3x8"],
  ["grouped", "split2(rq2x8)"],
  ["nested", "rq2x8"],
  ["nested", "rq2x8", { prefix: "quantizer." }],
];

describe("a checkpoint of vector-quantize-pytorch 1.32", () => {
  it.each(READABLE)("%s is %s: its codes and what they stand for", async (name, spec, options) => {
    const model = readVectorQuantizePytorch(file(name), options);
    expect(printSpec(model.spec)).toBe(spec);
    const { codes, quantized } = expected.cases[name]!;
    const encoded = await model.encode(rows);
    expect(Array.from({ length: rows.rows }, (_, i) => [...encoded.row(i)])).toEqual(codes);
    const decoded = await model.decode(encoded);
    quantized.flat().forEach((value, at) => expect(decoded.data[at]).toBeCloseTo(value, 4));
    expect(quantizers.load(model.save()).spec).toEqual(model.spec);
  });

  it.each(READABLE.filter(([name]) => !/rvq-shared|nested/.test(name)))(
    "%s (%s) is written with the same names, shapes and codebooks",
    (name, _, options) => {
      const written = decodeSafetensors(
        writeVectorQuantizePytorch(readVectorQuantizePytorch(file(name), options)),
      ).tensors;
      const original = decodeSafetensors(file(name)).tensors;
      expect([...written.keys()].sort()).toEqual([...original.keys()].sort());
      for (const [key, { dtype, shape, data }] of original) {
        expect(written.get(key)).toMatchObject({ dtype, shape });
        if (!key.endsWith("_codebook.embed")) continue;
        // Of unit norm once more: off by a rounding.
        data.forEach((value, at) =>
          expect(Number(written.get(key)!.data[at])).toBeCloseTo(Number(value), 6),
        );
      }
    },
  );

  it("reads tensors as well as bytes", () => {
    const { tensors } = decodeSafetensors(file("rvq"));
    expect(readVectorQuantizePytorch(tensors).save()).toEqual(
      readVectorQuantizePytorch(file("rvq")).save(),
    );
  });

  it("keeps the quantizer inside projections if that is asked for", () => {
    for (const name of ["vq-projected", "rvq-projected"]) {
      expect(() => readVectorQuantizePytorch(file(name))).toThrow(UnsupportedError);
      expect(() => readVectorQuantizePytorch(file(name))).toThrow(/"project_in\.bias"/);
      const inside = readVectorQuantizePytorch(file(name), { projections: "inside" });
      expect(inside.dimension).toBe(4);
    }
  });

  it.each([
    ["vq-affine", UnsupportedError, /affine parameters/],
    ["vq-unlearned", UnsupportedError, /has not been learned yet/],
    ["fsq", FormatError, /no tensor named "…_codebook.embed"/],
  ])("%s is refused, and why", (name, kind, message) => {
    expect(() => readVectorQuantizePytorch(file(name))).toThrow(kind);
    expect(() => readVectorQuantizePytorch(file(name))).toThrow(message);
  });
});

describe("a checkpoint that is not one", () => {
  const embed = { dtype: "F32", shape: [1, 2, 3], data: new Float32Array(6) } as const;
  const read = (names: readonly string[]) => () =>
    readVectorQuantizePytorch(new Map(names.map((name) => [name, embed])));

  it("has two quantizers", () => {
    const two = ["a._codebook.embed", "b._codebook.embed"];
    expect(read(two)).toThrow('the checkpoint has quantizers at "a.", "b."');
    expect(
      readVectorQuantizePytorch(new Map(two.map((name) => [name, embed])), { prefix: "b." }).spec,
    ).toEqual({ kind: "vq", codebookSize: 2 });
  });

  it("lacks a level", () => {
    expect(read(["layers.0._codebook.embed", "layers.2._codebook.embed"])).toThrow(
      "the checkpoint has no level 1",
    );
    expect(read(["layers.0._codebook.embed", "_codebook.embed"])).toThrow(FormatError);
  });

  it("has heads of its own, or is said to have none", () => {
    expect(() => readVectorQuantizePytorch(file("vq-heads"), { heads: 2 })).toThrow(
      "a codebook for each of 2 heads, none that 2 share",
    );
    expect(() => readVectorQuantizePytorch(file("vq"), { heads: 0 })).toThrow(ArgumentError);
  });

  it("has groups of different forms", () => {
    expect(
      read([
        "rvqs.0.layers.0._codebook.embed",
        "rvqs.0.layers.1._codebook.embed",
        "rvqs.1.layers.0._codebook.embed",
      ]),
    ).toThrow(/group 2 is vq2, group 1 is rq2x2/);
  });

  it("has a codebook of another shape", () => {
    const flat = { ...embed, shape: [2, 3] };
    expect(() => readVectorQuantizePytorch(new Map([["_codebook.embed", flat]]))).toThrow(
      /shape \[2, 3\], not \[heads, K, d\]/,
    );
  });

  it("has bytes or names changed", () => {
    const original = file("grouped");
    const change = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = original.slice();
        for (const { at, value } of changes) changed[at % changed.length] = value;
        try {
          readVectorQuantizePytorch(changed);
        } catch (error) {
          if (!(error instanceof FormatError || error instanceof UnsupportedError)) throw error;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("is empty", () => {
    expect(() => readVectorQuantizePytorch(encodeSafetensors({}))).toThrow(FormatError);
    expect(() => readVectorQuantizePytorch(new Uint8Array(0))).toThrow(FormatError);
  });
});

describe("a model that the library has no module for", () => {
  it.each(["sq8", "vq4(metric=ip)", "vq4+sq8", "center>vq4", "split2(sq8)"])("%s", async (spec) => {
    const model = await quantizers.fit(spec, rows);
    expect(() => writeVectorQuantizePytorch(model)).toThrow(UnsupportedError);
  });
});
