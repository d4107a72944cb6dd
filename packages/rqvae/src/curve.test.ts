import { readFileSync } from "node:fs";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { parseSpec, trainingBackend, type TypedArrays } from "@tessera/core";
import { expect, it } from "vitest";
import { initialParameters } from "./initial.js";
import { valuesOf } from "./layout.js";
import { makePlan } from "./plan.js";
import { initialState, Trainer } from "./trainer.js";

interface Curve {
  readonly rows: readonly number[];
  readonly start: Readonly<Record<string, readonly number[]>>;
  /** Reconstruction, and codebook with commitment, of each step. */
  readonly losses: readonly (readonly [number, number])[];
}

const DIMENSION = 6;
const BATCH = 16;

it("50 steps lose what PyTorch's lose, from the same weights on the same batches", async () => {
  const file = new URL("../test/golden/curve.json", import.meta.url);
  const { rows, start, losses } = JSON.parse(readFileSync(file, "utf8")) as Curve;
  const plan = makePlan({
    dimension: DIMENSION,
    widths: [8, 4],
    quantizer: parseSpec("rq2x5"),
    settings: {
      activation: "gelu",
      commitment: 0.25,
      learningRate: 0.01,
      weightDecay: 0.05,
      schedule: "constant",
      pretraining: 0,
    },
  });
  const parameters = initialParameters(plan);
  for (const [name, values] of Object.entries(start)) {
    valuesOf(parameters, plan.layout, name).set(values);
  }
  const backend = trainingBackend(createReferenceBackend());
  const trainer = new Trainer(backend, plan, initialState(plan, parameters));
  const mean = (values: TypedArrays["float32"], count: number): number =>
    values.reduce((sum, value) => sum + value, 0) / count;
  const all = Float32Array.from(rows);
  for (const [step, [reconstruction, quantization]] of losses.entries()) {
    const from = (step * BATCH * DIMENSION) % all.length;
    const batch = all.subarray(from, from + BATCH * DIMENSION);
    const found = trainer.train(backend.tensor(batch, [BATCH, DIMENSION]), 2);
    const got = [
      mean(await found.reconstruction.read(), 1),
      1.25 * mean(await found.quantization!.read(), BATCH),
    ];
    [reconstruction, quantization].forEach((expected, i) => {
      expect(
        Math.abs(got[i]! / expected - 1),
        `step ${step}: ${got[i]} against ${expected}`,
      ).toBeLessThan(1e-4);
    });
  }
});
