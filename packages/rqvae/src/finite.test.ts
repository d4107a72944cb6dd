import { createReferenceBackend } from "@tessera/backend-testkit";
import { ArgumentError, evaluate, parseSpec, trainingBackend } from "@tessera/core";
import { FsqModel } from "@tessera/vq";
import { describe, expect, it } from "vitest";
import { smallRows, trainSmall } from "../test/small.js";
import { TrainingError } from "./errors.js";
import { createAutoencoderQuantizers } from "./fit.js";
import { makePlan } from "./plan.js";
import { initialState, Trainer } from "./trainer.js";
import type { TrainingSettings } from "./settings.js";

const rows = smallRows();
const backend = trainingBackend(createReferenceBackend());
const SHORT: Partial<TrainingSettings> = { batchSize: 16, steps: 150, learningRate: 5e-3 };

function planOf(settings: Partial<TrainingSettings> = {}, quantizer = "fsq(8,5,4,2)", latent = 4) {
  return makePlan({
    dimension: 6,
    widths: [12, latent],
    quantizer: parseSpec(quantizer),
    settings: { ...SHORT, ...settings },
    seed: 11,
  });
}

describe("fsq behind an autoencoder", () => {
  it("learns, and is fitted, saved and loaded as any other", async () => {
    const quantizers = createAutoencoderQuantizers(SHORT);
    const model = await quantizers.fit("ae(12,4)>fsq(8,5,4,2)", rows, { backend, seed: 2 });
    expect(model.cardinalities).toEqual([8, 5, 4, 2]);
    expect(model.spec).toMatchObject({ quantizer: { kind: "fsq", scale: "none" } });
    const { relativeDistortion } = await evaluate(model, rows, { backend });
    expect(relativeDistortion).toBeLessThan(0.5);
    const loaded = createAutoencoderQuantizers().load(model.save());
    expect(loaded.save()).toEqual(model.save());
    const codes = await model.encode(rows, { backend });
    expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
    expect((await loaded.decode(codes)).data).toEqual((await model.decode(codes)).data);
  });

  it("has the codes and values in training that the model has", async () => {
    const plan = planOf();
    const { parameters } = await trainSmall(plan);
    const trainer = new Trainer(backend, plan, initialState(plan, parameters));
    const z = trainer.encode(backend.tensor(rows.data, [rows.rows, 6]));
    const { codes, output } = trainer.quantize(z);
    const model = new FsqModel(plan.bottleneck.finite!);
    const latents = { data: await z.read(), rows: rows.rows, cols: 4 };
    const own = await model.encode(latents, { backend });
    expect(Array.from(await codes.read())).toEqual(Array.from(own.data));
    const { data } = await model.decode(own);
    (await output.read()).forEach((value, i) => expect(value).toBeCloseTo(data[i]!, 6));
  });

  it("resumes to the same bits", async () => {
    const plan = planOf({ steps: 40 });
    let bytes = new Uint8Array();
    const checkpoint = {
      every: 25,
      save: async (saved: Uint8Array): Promise<void> => void (bytes = saved.slice()),
    };
    const whole = await trainSmall(plan, { checkpoint });
    expect((await trainSmall(plan, { resume: bytes })).parameters).toEqual(whole.parameters);
  });

  it("refuses settings of codebooks, with a reason", () => {
    for (const settings of [
      { commitment: 0.25 },
      { separation: 4 },
      { codebooks: "ema" },
      { estimator: "rotation" },
      { entropy: 0.1 },
      { levelDropout: 0.1 },
      { levelWeights: [1, 1, 1, 1] },
      { balance: 0.1 },
      { pretraining: 100 },
    ] as const) {
      expect(() => planOf(settings)).toThrow(/fsq rounds values and has no codebooks/);
    }
    expect(planOf({ commitment: 0, separation: 0, pretraining: 0 }).settings.separation).toBe(0);
  });

  it("says that training diverged", async () => {
    await expect(trainSmall(planOf({ learningRate: 1e30 }))).rejects.toThrow(TrainingError);
  });

  it("refuses a latent of another width", () => {
    expect(() => planOf({}, "fsq(8,5,4,2)", 5)).toThrow(ArgumentError);
    expect(() => planOf({}, "fsq(8,5,4,2)", 5)).toThrow(/is not the 4 that/);
  });
});
