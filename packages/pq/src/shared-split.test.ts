import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  createQuantizers,
  encodeBatches,
  evaluate,
  expectNoLeaks,
  FormatError,
  type Model,
  saveModel,
  ShapeError,
  split,
} from "@tessera/core";
import { residualPart } from "@tessera/rq";
import { fitVq, fsqPart, type VqModel, vqPart } from "@tessera/vq";
import { describe, expect, it } from "vitest";
import { opaque, stream } from "../test/rows.js";
import { SharedSplitModel, SplitModel, splitPart } from "./index.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([vqPart, fsqPart, residualPart, splitPart]);
const rows = gaussianMatrix(60, 8, { seed: 1 });

/** The slices of the rows as rows. */
const slices = { data: rows.data, rows: 240, cols: 2 };

describe("groups that share a sub-quantizer", () => {
  it.each([
    "split4(vq8,shared=true)",
    "split2(rq2x8,shared=true)",
    "split4(vq4(metric=cosine),shared=true)",
    "split2(split2(vq4,shared=true),shared=true)",
    "split4(fsq(5,3),shared=true)",
    "vq4+split4(vq8,shared=true)",
  ])("%s: shapes, batches, files", async (spec) => {
    const model = await quantizers.fit(spec, rows, { backend, seed: 2 });
    const codes = await model.encode(rows, { backend });
    expect(codes.cardinalities).toEqual(model.cardinalities);
    const decoded = await model.decode(codes);
    expect([decoded.rows, decoded.cols]).toEqual([60, 8]);
    const parts: number[] = [];
    for await (const part of encodeBatches(model, stream(rows, 7), { backend, batchRows: 13 })) {
      parts.push(...part.data);
    }
    expect(parts).toEqual([...codes.data]);
    const bytes = model.save();
    const loaded = quantizers.load(bytes);
    expect(loaded.save()).toEqual(bytes);
    expect(loaded.spec).toEqual(model.spec);
    expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
    const streamed = await quantizers.fit(spec, stream(rows, 9), { backend, seed: 2 });
    expect(streamed.save()).toEqual(bytes);
  });

  it("have one codebook, learned from the slices of all as rows, and saved once", async () => {
    const spec = "split4(vq16,shared=true)";
    const model = (await quantizers.fit(spec, rows, { backend })) as SharedSplitModel;
    expect(Object.keys(model.state().tensors)).toEqual(["shared.codebook"]);
    const { codebook } = model.each as VqModel;
    expect([codebook.rows, codebook.cols]).toEqual([16, 2]);
    const alone = await model.each.encode(slices, { backend });
    expect((await model.encode(rows, { backend })).data).toEqual(alone.data);
    const own = await fitVq(slices, { codebookSize: 16, backend });
    expect(4 * own.facts.distortion!).toBeCloseTo(model.facts.distortion!, 0);
    const { distortion } = await evaluate(model, rows, { backend });
    expect(model.facts.distortion).toBeCloseTo(distortion, 5);
  });

  it("decode as groups of their own with the same sub-quantizer do, by terms and without", async () => {
    const spec = "split2(vq8+vq4,shared=true)";
    const { each, facts } = (await quantizers.fit(spec, rows, { backend })) as SharedSplitModel;
    const shared = new SharedSplitModel(2, each, facts);
    const apart = new SplitModel([each, each]);
    const codes = await apart.encode(rows, { backend });
    expect((await shared.encode(rows, { backend })).data).toEqual(codes.data);
    const decoded = (await apart.decode(codes)).data;
    expect((await shared.decode(codes)).data).toEqual(decoded);
    expect((await new SharedSplitModel(2, opaque(each)).decode(codes)).data).toEqual(decoded);
    expect(shared.terms).toEqual(apart.terms);
  });

  it("learn from a sample of whole rows", async () => {
    const options = { backend, sample: 40, seed: 3 };
    const bytes = (await quantizers.fit("split4(vq32,shared=true)", rows, options)).save();
    const once = (async function* () {
      yield rows;
    })();
    expect((await quantizers.fit("split4(vq32,shared=true)", once, options)).save()).toEqual(bytes);
    // 10 rows have 40 slices.
    const few = { ...options, sample: 10 };
    const model = await quantizers.fit("split4(vq40,shared=true)", rows, few);
    expect(model.cardinalities).toEqual([40, 40, 40, 40]);
  });

  it("tell progress and errors in rows", async () => {
    const model = await quantizers.fit("split4(vq4,shared=true)", rows, { backend });
    const seen: unknown[] = [];
    await model.encode(rows, {
      backend,
      onProgress: ({ done, total }) => seen.push([done, total]),
    });
    expect(seen).toEqual([[60, 60]]);
    const bad = { ...rows, data: rows.data.slice() };
    bad.data[8 * 31 + 5] = Number.NaN;
    await expectNoLeaks(backend, async () => {
      for (const input of [bad, stream(bad, 7)]) {
        await expect(model.encode(input, { backend })).rejects.toMatchObject({ row: 31 });
        await expect(
          quantizers.fit("split4(vq4,shared=true)", input, { backend }),
        ).rejects.toMatchObject({ row: 31 });
      }
    });
    await expect(model.encode(gaussianMatrix(3, 4), { backend })).rejects.toThrow(ShapeError);
    await expect(quantizers.fit("split3(vq4,shared=true)", rows, { backend })).rejects.toThrow(
      ShapeError,
    );
    expect(() => new SharedSplitModel(1, model)).toThrow("2 groups or more");
  });

  it("are refused from a file without their tensors", async () => {
    const model = await quantizers.fit("split4(vq8)", rows, { backend });
    const spec = split(4, "vq8", { shared: true });
    const bytes = saveModel({ spec, state: () => model.state() } as unknown as Model);
    expect(() => quantizers.load(bytes)).toThrow(FormatError);
  });
});
