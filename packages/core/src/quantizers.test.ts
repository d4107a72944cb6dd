import { describe, expect, it } from "vitest";
import { Codes } from "./codes.js";
import {
  CodeRangeError,
  FormatError,
  MissingPartError,
  NonFiniteError,
  ShapeError,
  SpecError,
  VersionError,
} from "./errors.js";
import { distortion, evaluate } from "./evaluate.js";
import {
  checkCodes,
  checkDimension,
  decodeTerms,
  encodeBatches,
  type Model,
  saveModel,
} from "./model.js";
import { createQuantizers, type QuantizerPart } from "./quantizers.js";
import { batchesOf, checkFinite, type Matrix, matrix, type Rows } from "./rows.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";
import type { VqSpec } from "./spec/types.js";

/** The plainest part: its codebook is the first K rows. */
function nearest(spec: VqSpec, codebook: Matrix): Model<VqSpec> {
  const model: Model<VqSpec> = {
    spec,
    dimension: codebook.cols,
    cardinalities: [spec.codebookSize],
    prefixes: [1],
    terms: [{ column: 0, offset: 0, codebook }],
    async encode(rows: Rows) {
      const codes: number[] = [];
      for await (const batch of batchesOf(rows, 100)) {
        checkDimension(model, batch);
        checkFinite(batch);
        for (let i = 0; i < batch.rows; i++) {
          const squares = Array.from({ length: codebook.rows }, (_, k) => {
            let sum = 0;
            for (let j = 0; j < batch.cols; j++) {
              sum += (batch.data[i * batch.cols + j]! - codebook.data[k * batch.cols + j]!) ** 2;
            }
            return sum;
          });
          codes.push(squares.indexOf(Math.min(...squares)));
        }
      }
      return new Codes(codes, [spec.codebookSize]);
    },
    decode: async (codes) => decodeTerms(model, model.terms!, codes),
    state: () => ({
      tensors: {
        codebook: { dtype: "F32", shape: [codebook.rows, codebook.cols], data: codebook.data },
      },
      facts: { note: "é" },
    }),
    save: () => saveModel(model),
  };
  return model;
}

const part: QuantizerPart<"vq"> = {
  kind: "vq",
  async fit(spec, rows) {
    for await (const batch of batchesOf(rows, spec.codebookSize)) {
      const data = batch.data.slice();
      return nearest(spec, { ...batch, data });
    }
    throw new ShapeError("no rows");
  },
  restore: (spec, state) => nearest(spec, state.matrix("codebook", spec.codebookSize)),
};
const { fit, load } = createQuantizers([part]);
const rows = matrix([
  [0, 0],
  [10, 0],
  [0, 1],
  [9, 0],
]);

describe("createQuantizers", () => {
  it("saves and loads to an equal model", async () => {
    const model = await fit("vq2", rows);
    const loaded = load(model.save());
    expect(loaded.spec).toEqual(model.spec);
    expect(await loaded.encode(rows)).toEqual(await model.encode(rows));
    expect(loaded.save()).toEqual(model.save());
  });

  it("names the package of a part that is missing before it fits anything", async () => {
    await expect(fit("vq2+sq8", rows)).rejects.toThrow(MissingPartError);
    await expect(fit("split2(vq2)", rows)).rejects.toThrow(/"pq2x2" is run by @tessera\/pq/);
    await expect(fit("opq2x2", rows)).rejects.toThrow(/"opq>…" is run by @tessera\/transforms/);
    await expect(fit("rqvae3x256", rows)).rejects.toThrow(/@tessera\/rqvae/);
    await expect(fit("vqq", rows)).rejects.toThrow(SpecError);
    await expect(fit("vq2", { data: new Float32Array(0), rows: 0, cols: 2 })).rejects.toThrow(
      "no rows",
    );
  });

  it("refuses files that are not models, or newer, or damaged", async () => {
    const bytes = (await fit("vq2", rows)).save();
    const { tensors, metadata } = decodeSafetensors(bytes);
    const remade = (change: Record<string, string>, drop = "") =>
      encodeSafetensors(Object.fromEntries([...tensors].filter(([name]) => name !== drop)), {
        ...metadata,
        ...change,
      });
    expect(() => load(new Uint8Array(4))).toThrow(FormatError);
    expect(() => load(remade({ format: "pt" }))).toThrow("not a Tessera model");
    expect(() => load(remade({ format_version: "2" }))).toThrow(VersionError);
    expect(() => load(remade({ format_version: "1e3" }))).toThrow(FormatError);
    expect(() => load(remade({ spec: "{" }))).toThrow("spec is not JSON");
    expect(() => load(remade({ spec: '{"kind":"vq","codebookSize":3}' }))).toThrow(
      "the spec needs F32 [3, d]",
    );
    expect(() => load(remade({ spec: '{"kind":"sign"}' }))).toThrow(MissingPartError);
    expect(() => load(remade({}, "codebook"))).toThrow('no tensor "codebook"');
  });
});

describe("a model", () => {
  it("is evaluated with float64 sums, against the variance of the rows", async () => {
    const result = await evaluate(await fit("vq2", rows), rows);
    // Errors: row 2 is 1 from (0, 0), row 3 is 1 from (10, 0). Mean of the rows: (4.75, 0.25).
    expect(result.distortion).toBe(0.5);
    expect(result.distortionPerLevel).toEqual([0.5]);
    expect(result.totalVariance).toBeCloseTo(
      (2 * 4.75 ** 2 + 5.25 ** 2 + 4.25 ** 2 + 3 * 0.25 ** 2 + 0.75 ** 2) / 4,
      10,
    );
    expect([...result.codes.data]).toEqual([0, 1, 0, 1]);
    expect(distortion(rows, rows)).toBe(0);
  });

  it("names rows of the whole, not of the batch", async () => {
    const model = await fit("vq2", rows);
    const data = new Float32Array(400);
    data[301] = Number.NaN;
    const collect = async () => {
      for await (const codes of encodeBatches(model, matrix(data, 2), { batchRows: 64 }))
        void codes;
    };
    const error = await collect().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect((error as NonFiniteError).row).toBe(150);
  });

  it("refuses codes that are not its own", async () => {
    const model = await fit("vq2", rows);
    await expect(model.decode(new Codes([0, 0], [2, 2]))).rejects.toThrow(
      "the codes have 2 columns",
    );
    await expect(model.decode(new Codes([2], [3]))).rejects.toThrow(CodeRangeError);
    expect(checkCodes(model, new Codes([1], [3])).cardinalities).toEqual([2]);
    await expect(model.encode(matrix([[1, 2, 3]]))).rejects.toThrow("the rows have 3 values");
  });
});
