import { checkChoice, checkNumber, checkShape } from "../checks.js";
import { ShapeError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type { OptimizerUpdate } from "../training.js";

export function checkOptimizerStep(
  parameters: Tensor,
  gradients: Tensor,
  state: readonly Tensor[],
  update: OptimizerUpdate,
): void {
  checkShape(parameters, "parameters", [undefined]);
  checkShape(gradients, "gradients", parameters.shape);
  checkChoice(update.rule, "rule", ["adamw", "adagrad", "sgd"]);
  const count = stateCount(update);
  if (state.length !== count) {
    throw new ShapeError(`${update.rule} has ${count} tensors of state, not ${state.length}`, {
      hint: "adamw keeps 2, adagrad 1, and sgd 1 with momentum",
    });
  }
  state.forEach((tensor, i) => checkShape(tensor, `state[${i}]`, parameters.shape));
  if (update.clip) checkShape(update.clip.squaredNorm, "squaredNorm", [1]);
}

/** Returns the extents of the codebooks, [m, d]. */
export function checkEmaStep(
  codebooks: Tensor,
  sums: Tensor,
  counts: Tensor,
  usage: Tensor,
  decay: number,
): { readonly codewords: number; readonly dimension: number } {
  checkShape(codebooks, "codebooks", [undefined, undefined]);
  const [codewords, dimension] = codebooks.shape as [number, number];
  checkShape(sums, "sums", codebooks.shape);
  checkShape(counts, "counts", [codewords]);
  checkShape(usage, "usage", counts.shape);
  checkNumber(decay, "decay", 0, 1 - 2 ** -24);
  return { codewords, dimension };
}

function stateCount(update: OptimizerUpdate): number {
  switch (update.rule) {
    case "adamw":
      return 2;
    case "adagrad":
      return 1;
    case "sgd":
      return update.momentum === 0 ? 0 : 1;
  }
}
