import { clusteredMatrix, createReferenceBackend } from "@tessera/backend-testkit";
import { type Matrix, parseSpec, type TrainingBackend, trainingBackend } from "@tessera/core";
import { quantizers } from "@tessera/rq";
import { makePlan, type Plan } from "../src/plan.js";
import type { TrainingSettings } from "../src/settings.js";
import { train, type Trained, type TrainOptions } from "../src/train.js";

export const ROWS = 96;
export const DIMENSION = 6;

/** Few rows about fewer clusters. */
export function smallRows(): Matrix {
  return clusteredMatrix(ROWS, DIMENSION, { seed: 7, spread: 0.3 });
}

/** A run of a second or less. */
export const SHORT: Partial<TrainingSettings> = {
  batchSize: 16,
  pretraining: 30,
  steps: 60,
  reviewEvery: 10,
  learningRate: 3e-3,
  commitment: 0.25,
  separation: 0,
};

export function smallPlan(settings: Partial<TrainingSettings> = {}, quantizer = "rq2x8"): Plan {
  return makePlan({
    dimension: DIMENSION,
    widths: [12, 4],
    quantizer: parseSpec(quantizer),
    settings: { ...SHORT, ...settings },
    seed: 11,
  });
}

/** Trains on the reference backend unless told otherwise. */
export function trainSmall(
  plan: Plan,
  options: Partial<TrainOptions> = {},
  rows: Matrix = smallRows(),
): Promise<Trained> {
  const backend: TrainingBackend = options.backend ?? trainingBackend(createReferenceBackend());
  return train(rows, {
    plan,
    backend,
    fitQuantizer: (spec, latents) => quantizers.fit(spec, latents, { backend, seed: 1 }),
    ...options,
  });
}
