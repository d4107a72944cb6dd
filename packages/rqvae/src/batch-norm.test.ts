import { readFileSync } from "node:fs";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { parseSpec, trainingBackend } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { smallPlan, smallRows, trainSmall } from "../test/small.js";
import { autoencoderOf } from "./autoencoder.js";
import { initialParameters } from "./initial.js";
import { valuesOf } from "./layout.js";
import { makePlan } from "./plan.js";
import { initialState, Trainer } from "./trainer.js";

interface Golden {
  readonly rows: readonly number[];
  readonly start: Readonly<Record<string, readonly number[]>>;
  readonly losses: readonly number[];
  readonly running: Readonly<Record<string, readonly number[]>>;
  readonly latents: readonly number[];
}

const DIMENSION = 6;
const BATCH = 16;
const backend = trainingBackend(createReferenceBackend());

describe("batch normalization", () => {
  it("loses, averages and encodes as PyTorch's does", async () => {
    const file = new URL("../test/golden/batch-norm.json", import.meta.url);
    const golden = JSON.parse(readFileSync(file, "utf8")) as Golden;
    const plan = makePlan({
      dimension: DIMENSION,
      widths: [8, 4],
      quantizer: parseSpec("rq2x5"),
      settings: { norm: "batch", optimizer: "sgd", learningRate: 0.01, schedule: "constant" },
    });
    const parameters = initialParameters(plan);
    for (const [name, values] of Object.entries(golden.start)) {
      valuesOf(parameters, plan.layout, name).set(values);
    }
    const trainer = new Trainer(backend, plan, initialState(plan, parameters));
    const all = Float32Array.from(golden.rows);
    for (const [step, expected] of golden.losses.entries()) {
      const from = (step * BATCH * DIMENSION) % all.length;
      const batch = all.subarray(from, from + BATCH * DIMENSION);
      const { reconstruction } = trainer.train(backend.tensor(batch, [BATCH, DIMENSION]), 0);
      const loss = (await reconstruction.read()).reduce((sum, value) => sum + value, 0);
      expect(Math.abs(loss / expected - 1), `step ${step}: ${loss}`).toBeLessThan(1e-4);
    }
    const state = await trainer.read();
    for (const [name, values] of Object.entries(golden.running)) {
      valuesOf(state.parameters, plan.layout, name).forEach((value, i) => {
        expect(Math.abs(value - values[i]!), `${name}[${i}]`).toBeLessThan(1e-4);
      });
    }
    const z = await trainer.encode(backend.tensor(all, [all.length / DIMENSION, DIMENSION])).read();
    golden.latents.forEach((value, i) => {
      expect(Math.abs(z[i]! - value), `latent ${i}`).toBeLessThan(1e-3);
    });
  });

  it("becomes part of the fitted model's weights", async () => {
    const plan = smallPlan({ norm: "batch" });
    const rows = smallRows();
    const { parameters, standard } = await trainSmall(plan);
    const model = autoencoderOf(plan, parameters, standard);
    expect(model.parts.norm).toBe("none");
    const trainer = new Trainer(backend, plan, initialState(plan, parameters));
    const x = rows.data.map(
      (value, i) => (value - standard.mean.data[i % 6]!) / standard.deviation.data[i % 6]!,
    );
    const z = await trainer.encode(backend.tensor(x, [rows.rows, rows.cols])).read();
    const latents = await model.apply(rows, { backend });
    latents.data.forEach((value, i) => expect(Math.abs(value - z[i]!)).toBeLessThan(1e-4));
  });

  it("needs two rows in a batch", async () => {
    expect(() => smallPlan({ norm: "batch", batchSize: 1 })).toThrow(/batchSize/);
  });
});
