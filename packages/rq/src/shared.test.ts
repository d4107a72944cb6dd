import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  createQuantizers,
  decodeSafetensors,
  encodeSafetensors,
  evaluate,
  expectNoLeaks,
  matrix,
  rq,
} from "@tessera/core";
import type { VqModel } from "@tessera/vq";
import { describe, expect, it } from "vitest";
import { quantizers, type ResidualModel } from "./index.js";

const backend = createReferenceBackend();

async function fitShared(text: string, seed = 0, beam?: number): Promise<ResidualModel> {
  const rows = gaussianMatrix(400, 6, { seed: 1 });
  return (await quantizers.fit(text, rows, { backend, seed, beam })) as ResidualModel;
}

describe("rq…(shared=true)", () => {
  it("has one codebook, times a scale for each level, and saves it once", async () => {
    const model = await fitShared("rq3x16(shared=true)");
    expect(model.spec).toEqual(rq(3, 16, { shared: true }));
    const codebooks = model.levels.map((level) => (level as VqModel).codebook.data);
    const { scales } = model.facts;
    expect(scales).toHaveLength(3);
    expect(scales![0]).toBe(1);
    expect(scales![1]).toBeLessThan(1);
    codebooks.forEach((codebook, l) =>
      expect(codebook).toEqual(codebooks[0]!.map((value) => scales![l]! * value)),
    );
    const { tensors } = decodeSafetensors(model.save());
    expect([...tensors.keys()]).toEqual(["codebook"]);
    const loaded = quantizers.load(model.save()) as ResidualModel;
    expect(loaded.save()).toEqual(model.save());
    const rows = gaussianMatrix(50, 6, { seed: 2 });
    const codes = await model.encode(rows, { backend });
    expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
    expect(model.prefix(2).spec).toEqual(rq(2, 16));
  });

  it("loses little to codebooks of their own, and learns more than the first level's codebook", async () => {
    const rows = gaussianMatrix(400, 6, { seed: 1 });
    const held = gaussianMatrix(400, 6, { seed: 3 });
    for (const beam of [1, 4]) {
      const shared = await fitShared("rq3x16(shared=true)", 0, beam);
      const start = (await quantizers.fit("rq3x16(shared=true)", rows, {
        backend,
        beam,
        iterations: 0,
      })) as ResidualModel;
      expect(shared.facts.distortionPerLevel![2]).toBeLessThan(
        0.95 * start.facts.distortionPerLevel![2]!,
      );
      const own = await quantizers.fit("rq3x16", rows, { backend, beam });
      const of = async (model: typeof own) => (await evaluate(model, held, { backend })).distortion;
      expect(await of(shared)).toBeLessThan(1.15 * (await of(own)));
    }
  });

  it("gives the same bits for the same seed, leaves no tensors, copes with rows that are all one", async () => {
    await expectNoLeaks(backend, async () => {
      const bytes = (await fitShared("rq2x8(shared=true)")).save();
      expect((await fitShared("rq2x8(shared=true)")).save()).toEqual(bytes);
      expect((await fitShared("rq2x8(shared=true)", 1)).save()).not.toEqual(bytes);
      for (const value of [0, 3]) {
        const rows = matrix(new Float32Array(40).fill(value), 2);
        const model = await quantizers.fit("rq2x4(shared=true)", rows, { backend });
        expect((await evaluate(model, rows, { backend })).distortion).toBeLessThan(1e-6);
      }
    });
  });

  it("is refused by load where its scales are missing", async () => {
    const model = await fitShared("rq2x8(shared=true)");
    const { tensors } = model.state();
    for (const facts of ["{}", '{"scales":[1]}', '{"scales":[2,1]}', '{"scales":[1,2]}']) {
      const bytes = encodeSafetensors(tensors, {
        format: "tessera",
        format_version: "1",
        spec: JSON.stringify(model.spec),
        facts,
      });
      expect(() => createQuantizers([]).load(bytes)).toThrow();
      expect(() => quantizers.load(bytes)).toThrow(/no scales of 2 levels/);
    }
  });
});
