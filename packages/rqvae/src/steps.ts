/**
 * Training step by step, for loops of one's own: a plan says what is trained, a {@link Trainer} takes steps on batches of
 * standardized rows. `fitRqvae` is such a loop, with codebooks that start late, reviews and checkpoints.
 */
export { initialParameters } from "./initial.js";
export { type Layout, type Slot, valuesOf } from "./layout.js";
export { makePlan, type Plan, type PlanOptions } from "./plan.js";
export {
  initialState,
  type StepLosses,
  type Targets,
  Trainer,
  type TrainerState,
} from "./trainer.js";
