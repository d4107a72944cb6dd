import { checkChoice, checkInteger, checkNumber, checkShape } from "../checks.js";
import { ShapeError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type {
  Activation,
  InputGradientOptions,
  LayerNormOptions,
  LayerNormParameters,
  LinearOptions,
  LinearParameters,
} from "../training.js";
import type { ProductExtents } from "./dense.js";
import { checkMatrix } from "./tensors.js";

const ACTIVATIONS: readonly Activation[] = ["none", "relu", "gelu", "silu"];

/** A product with what is applied to it. */
export interface LayerExtents extends ProductExtents {
  readonly activation: Activation;
}

export function checkWrite(target: Tensor, source: Tensor): void {
  checkShape(source, "source", target.shape);
}

export function checkLinear(
  x: Tensor,
  weight: Tensor,
  { bias, activation = "none" }: LinearOptions = {},
): LayerExtents {
  const { rows, columns: inner } = checkMatrix(x, "x");
  checkShape(weight, "weight", [undefined, inner]);
  const columns = weight.shape[0]!;
  if (bias) checkShape(bias, "bias", [columns]);
  checkChoice(activation, "activation", ACTIVATIONS);
  return { rows, inner, columns, activation };
}

export function checkInputGradient(
  gradient: Tensor,
  weight: Tensor,
  { add, preActivation, activation = "none" }: InputGradientOptions = {},
): LayerExtents {
  const { rows, columns: inner } = checkMatrix(gradient, "gradient");
  checkShape(weight, "weight", [inner, undefined]);
  const columns = weight.shape[1]!;
  if (add) checkShape(add, "add", [rows, columns]);
  if (preActivation) checkShape(preActivation, "preActivation", [rows, columns]);
  checkChoice(activation, "activation", ACTIVATIONS);
  if (activation !== "none" && !preActivation) {
    throw new ShapeError(`the derivative of ${activation} needs preActivation`, {
      hint: "pass the preActivation of the layer that made the input",
    });
  }
  return { rows, inner, columns, activation };
}

/** The extents of `gradientᵀ · x`. */
export function checkParameterGradients(
  x: Tensor,
  gradient: Tensor,
  { weight, bias }: LinearParameters,
): ProductExtents {
  const { rows: inner, columns } = checkMatrix(x, "x");
  checkShape(gradient, "gradient", [inner, undefined]);
  const rows = gradient.shape[1]!;
  checkShape(weight, "into.weight", [rows, columns]);
  if (bias) checkShape(bias, "into.bias", [rows]);
  return { rows, inner, columns };
}

export interface NormExtents {
  readonly rows: number;
  readonly columns: number;
}

export function checkLayerNorm(
  x: Tensor,
  { scale, shift }: LayerNormParameters,
  { epsilon, activation = "none" }: LayerNormOptions,
): NormExtents & { readonly activation: Activation } {
  const extents = checkNormalizable(x, epsilon);
  checkShape(scale, "scale", [extents.columns]);
  checkShape(shift, "shift", scale.shape);
  checkChoice(activation, "activation", ACTIVATIONS);
  return { ...extents, activation };
}

export function checkLayerNormGradients(
  x: Tensor,
  scale: Tensor,
  gradient: Tensor,
  into: LayerNormParameters,
  epsilon: number,
): NormExtents {
  const extents = checkNormalizable(x, epsilon);
  checkShape(scale, "scale", [extents.columns]);
  checkShape(gradient, "gradient", x.shape);
  checkShape(into.scale, "into.scale", scale.shape);
  checkShape(into.shift, "into.shift", scale.shape);
  return extents;
}

export function checkDropout(x: Tensor, rate: number, seed: number, call: number): void {
  checkNumber(rate, "rate", 0, 1 - 2 ** -24);
  checkInteger(seed, "seed", 0, 2 ** 32 - 1);
  checkInteger(call, "call", 0, 2 ** 32 - 1);
  checkInteger(x.size, "the number of elements of x", 0, 2 ** 32 - 1);
}

function checkNormalizable(x: Tensor, epsilon: number): NormExtents {
  const extents = checkMatrix(x, "x");
  checkNumber(epsilon, "epsilon", Number.MIN_VALUE, Infinity);
  if (extents.columns > 0) return extents;
  throw new ShapeError("x has no columns to normalize", { hint: "rows need at least one value" });
}
