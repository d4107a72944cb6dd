import { createReferenceBackend } from "@tessera/backend-testkit";
import { ArgumentError, parseSpec, symmetricEigen, trainingBackend } from "@tessera/core";
import { momentsOf } from "@tessera/transforms";
import { describe, expect, it } from "vitest";
import { smallPlan, smallRows, trainSmall } from "../test/small.js";
import { initialParameters } from "./initial.js";
import { startByPca } from "./pca-start.js";
import { makePlan } from "./plan.js";
import type { TrainingSettings } from "./settings.js";
import { standardized, standardOf } from "./standardize.js";
import { initialState, Trainer } from "./trainer.js";
import type { TrainingEvent } from "./events.js";

const backend = trainingBackend(createReferenceBackend());
const rows = standardized(smallRows(), standardOf(smallRows(), "columns"));
// A column without variance has no part in any component.
for (let i = 5; i < rows.data.length; i += 6) rows.data[i] = 0.25;

/** Latents and reconstructions at the start, and what principal components make of the rows. */
async function startOf(widths: readonly number[], settings: Partial<TrainingSettings>) {
  const plan = makePlan({ dimension: 6, widths, quantizer: parseSpec("vq8"), settings });
  const parameters = initialParameters(plan);
  await startByPca(parameters, plan, rows, { backend });
  const trainer = new Trainer(backend, plan, initialState(plan, parameters));
  const z = trainer.encode(backend.tensor(rows.data, [rows.rows, 6]));
  const { mean, covariance } = await momentsOf(rows, { backend });
  const { vectors } = await symmetricEigen(covariance, 6);
  const projected = Array.from({ length: rows.rows * plan.latent }, (_, at) => {
    const [row, j] = [Math.floor(at / plan.latent), at % plan.latent];
    let sum = 0;
    for (let i = 0; i < 6; i++) sum += vectors[j * 6 + i]! * (rows.data[row * 6 + i]! - mean[i]!);
    return sum;
  });
  const restored = Array.from({ length: rows.rows * 6 }, (_, at) => {
    const [row, i] = [Math.floor(at / 6), at % 6];
    let sum = mean[i]!;
    for (let j = 0; j < plan.latent; j++) {
      sum += projected[row * plan.latent + j]! * vectors[j * 6 + i]!;
    }
    return sum;
  });
  const y = trainer.decode(z);
  return { z: await z.read(), y: await y.read(), projected, restored };
}

describe("a start by principal components", () => {
  it.each([
    ["of one layer", [4], {}],
    ["relu", [12, 4], {}],
    ["gelu, and more units than pairs", [17, 4], { activation: "gelu" }],
    ["silu, deeper", [16, 9, 8, 4], { activation: "silu" }],
    ["as many as there are values", [12, 6], {}],
  ] as const)("is exact: %s", async (_, widths, settings) => {
    const { z, y, projected, restored } = await startOf(widths, settings);
    z.forEach((value, i) => expect(value).toBeCloseTo(projected[i]!, 4));
    y.forEach((value, i) => expect(value).toBeCloseTo(restored[i]!, 4));
  });

  it("has as many components as narrow layers let through", async () => {
    const { z, projected } = await startOf([12, 5, 4], {});
    z.forEach((value, i) => {
      if (i % 4 < 2) expect(value).toBeCloseTo(projected[i]!, 4);
    });
  });

  it("lowers what few steps lose, and keeps learning", async () => {
    const first = async (start: "random" | "pca"): Promise<readonly number[]> => {
      const distortions: number[] = [];
      const onEvent = (event: TrainingEvent): void => {
        if (event.kind === "review") distortions.push(event.relativeDistortion);
      };
      await trainSmall(smallPlan({ start, pretraining: 5, steps: 60 }), { onEvent });
      return distortions;
    };
    const [random, pca] = [await first("random"), await first("pca")];
    expect(pca[0]!).toBeLessThan(0.7 * random[0]!);
    expect(pca.at(-1)!).toBeLessThan(pca[0]!);
  });

  it("refuses a skip and normalized layers", () => {
    expect(() => smallPlan({ start: "pca", skip: true })).toThrow(/starts as the identity/);
    for (const norm of ["layer", "batch"] as const) {
      expect(() => smallPlan({ start: "pca", norm })).toThrow(ArgumentError);
    }
  });
});
