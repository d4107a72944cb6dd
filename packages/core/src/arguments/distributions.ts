import { checkInteger, checkShape } from "../checks.js";
import { ShapeError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type { SoftmaxGradientOptions, SoftmaxOptions } from "../training-distributions.js";

/** n rows of k probabilities, or of what becomes them. */
export interface DistributionExtents {
  readonly rows: number;
  readonly columns: number;
}

export function checkSoftmax(
  logits: Tensor,
  { unit, noise }: SoftmaxOptions = {},
): DistributionExtents {
  const extents = checkDistributions(logits, "logits");
  if (unit) checkShape(unit, "unit", [1]);
  if (noise) {
    checkInteger(noise.seed, "noise.seed", 0, 2 ** 32 - 1);
    checkInteger(noise.call, "noise.call", 0, 2 ** 32 - 1);
    checkInteger(logits.size, "the number of elements of logits", 0, 2 ** 32 - 1);
  }
  return extents;
}

export function checkSoftmaxGradient(
  probabilities: Tensor,
  gradient: Tensor,
  { unit, shared }: SoftmaxGradientOptions = {},
): DistributionExtents {
  const extents = checkDistributions(probabilities, "probabilities");
  if (unit) checkShape(unit, "unit", [1]);
  checkShape(gradient, "gradient", probabilities.shape);
  if (shared) checkShape(shared, "shared", [extents.columns]);
  return extents;
}

export function checkEntropy(probabilities: Tensor): DistributionExtents {
  return checkDistributions(probabilities, "probabilities");
}

export function checkContrastiveLoss(similarities: Tensor): DistributionExtents {
  const extents = checkDistributions(similarities, "similarities");
  if (extents.columns >= extents.rows) return extents;
  throw new ShapeError(
    `similarities of ${extents.rows} rows are to ${extents.columns} candidates`,
    { hint: "each row's own candidate has the row's number, so there are at least as many" },
  );
}

function checkDistributions(tensor: Tensor, name: string): DistributionExtents {
  checkShape(tensor, name, [undefined, undefined]);
  const [rows, columns] = tensor.shape as [number, number];
  if (columns > 0) return { rows, columns };
  throw new ShapeError(`${name} has no columns`, { hint: "a distribution is over at least one" });
}
