import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  createQuantizers,
  encodeSafetensors,
  evaluate,
  expectNoLeaks,
  FormatError,
  MissingPartError,
  type Model,
  type Spec,
  ShapeError,
} from "@tessera/core";
import { residualPart, ResidualModel } from "@tessera/rq";
import { VqModel, vqPart } from "@tessera/vq";
import { describe, expect, it } from "vitest";
import { opaque, stream } from "../test/rows.js";
import { PqModel, quantizers as pqOnly, SplitModel, splitPart } from "./index.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([vqPart, residualPart, splitPart]);
const rows = gaussianMatrix(60, 8, { seed: 1 });

const SPECS = [
  "split2(rq2x8)",
  "split2(vq8+vq4)",
  "split4(vq4(metric=cosine))",
  "split4(vq4(metric=ip))",
  "split2(split2(vq4))",
  "split2(vq4+pq2x4)",
  "vq8+pq4x4",
  "vq4+split2(rq2x4)",
];

describe("specs with a split in them", () => {
  it.each(SPECS)("%s: shapes, batches, files", async (spec) => {
    const model = await quantizers.fit(spec, rows, { backend, seed: 2 });
    const codes = await model.encode(rows, { backend });
    expect([codes.rows, codes.columns]).toEqual([60, model.cardinalities.length]);
    expect(model.prefixes.at(-1)).toBe(codes.columns);
    const decoded = await model.decode(codes);
    expect([decoded.rows, decoded.cols]).toEqual([60, 8]);
    for (const size of [1, 13]) {
      expect((await model.encode(stream(rows, size), { backend })).data).toEqual(codes.data);
    }
    const bytes = model.save();
    const loaded = quantizers.load(bytes);
    expect(loaded.save()).toEqual(bytes);
    expect(loaded.spec).toEqual(model.spec);
    expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
    expect((await quantizers.fit(spec, stream(rows, 9), { backend, seed: 2 })).save()).toEqual(
      bytes,
    );
  });

  it("keep the distortion of the training rows, which falls with every part added", async () => {
    const distortionOf = async (spec: string) =>
      (await evaluate(await quantizers.fit(spec, rows, { backend }), rows, { backend })).distortion;
    const model = (await quantizers.fit("split2(rq2x8)", rows, { backend })) as SplitModel;
    expect(model.facts.distortion).toBeCloseTo(await distortionOf("split2(rq2x8)"), 5);
    expect(model.facts.distortion).toBeLessThan(await distortionOf("pq2x8"));
    expect(await distortionOf("vq8+pq4x4")).toBeLessThan(await distortionOf("vq8"));
  });

  it("have terms where their parts do, and decode the same without", async () => {
    const model = (await quantizers.fit("split2(rq2x8)", rows, { backend })) as SplitModel;
    expect(model.terms?.map(({ column, offset }) => [column, offset])).toEqual([
      [0, 0],
      [1, 0],
      [2, 4],
      [3, 4],
    ]);
    expect(model.prefixes).toEqual([4]);
    const generic = new SplitModel(model.groups.map(opaque));
    expect(generic.terms).toBeUndefined();
    const codes = await model.encode(rows, { backend });
    expect((await generic.encode(rows, { backend })).data).toEqual(codes.data);
    expect(await generic.decode(codes)).toEqual(await model.decode(codes));
  });

  it("search every group's levels with a beam", async () => {
    const greedy = (await quantizers.fit("split2(rq3x4)", rows, { backend })) as SplitModel;
    const codes = await greedy.encode(rows, { backend, beam: 8 });
    const slice = new SplitModel(
      greedy.groups.map((group) => new ResidualModel((group as ResidualModel).levels, { beam: 8 })),
    );
    expect((await slice.encode(rows, { backend })).data).toEqual(codes.data);
    expect((await greedy.encode(rows, { backend })).data).not.toEqual(codes.data);
  });

  it("draw one sample for all groups", async () => {
    const options = { backend, sample: 30 };
    const model = await quantizers.fit("split2(rq2x4)", rows, options);
    const once = (async function* () {
      yield rows;
    })();
    expect((await quantizers.fit("split2(rq2x4)", once, options)).save()).toEqual(model.save());
    await expect(quantizers.fit("split2(rq2x4)", once, { backend })).rejects.toThrow("only once");
  });

  it("make of vq4096+pq16x256 in small a model with a coarse prefix", async () => {
    const model = await quantizers.fit("vq8+pq4x4", rows, { backend });
    expect(model.prefixes).toEqual([1, 5]);
    expect(model.terms).toHaveLength(5);
    expect((model as ResidualModel).levels[1]).toBeInstanceOf(PqModel);
    const { distortionPerLevel } = await evaluate(model, rows, { backend });
    expect(distortionPerLevel[1]).toBeLessThan(distortionPerLevel[0]!);
  });

  it("say what is wrong: the group, a row, numbers of groups, a missing part", async () => {
    const fit = (spec: string, input = rows) => quantizers.fit(spec, input, { backend });
    await expect(fit("split2(vq8+vq61)")).rejects.toThrow(/^group 1 of 2: level 2 of 2: .*61.*60/);
    const error = await fit("split3(rq2x4)").catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ShapeError);
    expect((error as ShapeError).hint).toContain("groups may be 1, 2, 4, 8");
    await expect(pqOnly.fit("split2(rq2x4)", rows, { backend })).rejects.toThrow(MissingPartError);
    const broken = { ...rows, data: rows.data.slice() };
    broken.data[33 * 8 + 7] = Number.NaN;
    await expect(fit("split2(rq2x4)", broken)).rejects.toMatchObject({ row: 33 });
    const model = await fit("split2(rq2x4)");
    await expectNoLeaks(backend, async () => {
      await expect(model.encode(stream(broken, 5), { backend })).rejects.toMatchObject({ row: 33 });
      await expect(model.encode(gaussianMatrix(3, 6), { backend })).rejects.toThrow(ShapeError);
    });
    const vq = (size: number, width: number) =>
      new VqModel({ kind: "vq", codebookSize: size }, gaussianMatrix(size, width));
    expect(() => new SplitModel([vq(2, 2)])).toThrow("2 groups or more");
    expect(() => new SplitModel([vq(2, 2), vq(2, 3)])).toThrow(ShapeError);
    expect(() => new SplitModel([vq(2, 2), vq(3, 2)])).toThrow("group 2 is vq3, group 1 is vq2");
  });

  it("stop on abort, at any time, and leave no tensors", async () => {
    for (const stopAfter of [1, 4, 8]) {
      await expectNoLeaks(backend, async () => {
        const controller = new AbortController();
        const tasks: string[] = [];
        const fitting = quantizers.fit("split2(rq2x8)", rows, {
          backend,
          signal: controller.signal,
          onProgress: ({ task }) => {
            if (tasks.push(task) === stopAfter) controller.abort();
          },
        });
        await expect(fitting).rejects.toThrow(AbortedError);
        expect(tasks[0]).toMatch(/^group 1 of 2: level 1 of 2: /);
      });
    }
  });
});

describe("a model file", () => {
  function file(spec: Spec, model: Model, rename: (name: string) => string | undefined) {
    const tensors = Object.entries(model.state().tensors).flatMap(([name, tensor]) => {
      const to = rename(name);
      return to === undefined ? [] : [[to, tensor] as const];
    });
    return encodeSafetensors(Object.fromEntries(tensors), {
      format: "tessera",
      format_version: "1",
      spec: JSON.stringify(spec),
    });
  }

  it("without a group, of another shape, or with countless groups is an error", async () => {
    const model = await pqOnly.fit("pq2x4", rows, { backend });
    const load = (spec: Spec, rename = (name: string): string | undefined => name) =>
      pqOnly.load(file(spec, model, rename));
    expect(() =>
      load(model.spec, (name) => (name === "groups.1.codebook" ? undefined : name)),
    ).toThrow('the model has no tensor "groups.1.codebook"');
    const each = { kind: "vq", codebookSize: 4 } as const;
    expect(() => load({ kind: "split", groups: 3, each })).toThrow(FormatError);
    expect(() => load({ kind: "split", groups: 2, each: { kind: "vq", codebookSize: 5 } })).toThrow(
      "the spec needs F32 [5, d]",
    );
    const many: Spec = { kind: "split", groups: 65_536, each };
    expect(() => load(many)).toThrow(FormatError);
    expect(() => load({ kind: "split", groups: 65_536, each: many })).toThrow(
      "more than 65536 groups",
    );
  });

  it("that mixes widths is an error", async () => {
    const model = await quantizers.fit("vq4+pq2x4", rows, { backend });
    const spec: Spec = { kind: "split", groups: 2, each: { kind: "vq", codebookSize: 4 } };
    const names: Record<string, string> = {
      "levels.0.codebook": "groups.0.codebook",
      "levels.1.groups.0.codebook": "groups.1.codebook",
    };
    expect(() => pqOnly.load(file(spec, model, (name) => names[name]))).toThrow(ShapeError);
  });
});
