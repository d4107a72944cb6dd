import {
  checkChoice,
  checkInteger,
  checkNumber,
  checkShape,
  type BookShape,
  bookShape,
} from "../checks.js";
import { ShapeError } from "../errors.js";
import {
  type BalanceOptions,
  type BatchNormOptions,
  type BatchStatistics,
  type Bound,
  MIN_BALANCE_EPSILON,
} from "../option-kernels.js";
import type { Tensor } from "../tensor.js";
import type { Activation, LayerNormParameters } from "../training.js";
import { ACTIVATIONS, checkNormalizable, type NormExtents } from "./layers.js";
import { checkMatrix } from "./tensors.js";

export function checkBalancedAssign(
  x: Tensor,
  codebooks: Tensor,
  { epsilon, iterations }: BalanceOptions,
): BookShape & { readonly rows: number } {
  const shape = bookShape(codebooks);
  checkShape(x, "x", [undefined, shape.groups * shape.dimension]);
  checkNumber(epsilon, "epsilon", MIN_BALANCE_EPSILON, Infinity);
  checkInteger(iterations, "iterations", 1, 2 ** 24);
  return { ...shape, rows: x.shape[0]! };
}

export function checkBatchNorm(
  x: Tensor,
  { scale, shift }: LayerNormParameters,
  { mean, variance }: BatchStatistics,
  { epsilon, activation = "none", momentum }: BatchNormOptions,
): NormExtents & { readonly activation: Activation } {
  const extents = checkNormalizable(x, epsilon);
  const shape = [extents.columns];
  checkShape(scale, "scale", shape);
  checkShape(shift, "shift", shape);
  checkShape(mean, "running.mean", shape);
  checkShape(variance, "running.variance", shape);
  checkChoice(activation, "activation", ACTIVATIONS);
  if (momentum !== undefined) {
    checkNumber(momentum, "momentum", 0, 1);
    checkBatch(extents.rows);
  }
  return { ...extents, activation };
}

export function checkBatchNormGradients(
  x: Tensor,
  scale: Tensor,
  gradient: Tensor,
  into: LayerNormParameters,
  epsilon: number,
): NormExtents {
  const extents = checkNormalizable(x, epsilon);
  checkBatch(extents.rows);
  checkShape(scale, "scale", [extents.columns]);
  checkShape(gradient, "gradient", x.shape);
  checkShape(into.scale, "into.scale", scale.shape);
  checkShape(into.shift, "into.shift", scale.shape);
  return extents;
}

export function checkBoundGradient(z: Tensor, gradient: Tensor, { shift, slope }: Bound): void {
  const { columns } = checkMatrix(z, "z");
  checkShape(gradient, "gradient", z.shape);
  checkShape(shift, "shift", [columns]);
  checkShape(slope, "slope", [columns]);
}

function checkBatch(rows: number): void {
  if (rows >= 2) return;
  throw new ShapeError(`a batch of ${rows} rows has no variance to normalize by`, {
    hint: "batch normalization needs 2 rows or more",
  });
}
