import type { Activation } from "@tessera/core";
import { referenceMatmul } from "../dense.js";
import { referenceActivation, referenceActivationDerivative } from "./activation.js";

/** The extents of a layer. */
export interface LinearShape {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
}

export interface ReferenceActivated {
  readonly output: Float64Array;
  readonly preActivation: Float64Array;
}

/**
 * `z[i, j] = Σₚ x[i, p]·weight[j, p] + bias[j]`, and the activation of each.
 *
 * @param x `[rows, inputs]`
 * @param weight `[outputs, inputs]`
 * @returns both `[rows, outputs]`
 */
export function referenceLinear(
  x: Float32Array,
  weight: Float32Array,
  { rows, inputs, outputs }: LinearShape,
  bias: Float32Array | undefined,
  activation: Activation,
): ReferenceActivated {
  const shape = { rows, inner: inputs, cols: outputs };
  const preActivation = referenceMatmul(x, weight, shape, { transposeB: true, bias });
  const output = preActivation.map((z) => referenceActivation(activation, z));
  // The derivative of relu is told by the output as well, and that is what backends return.
  return { output, preActivation: activation === "relu" ? output : preActivation };
}

export interface ReferencePassing {
  readonly add?: Float32Array | undefined;
  readonly activation: Activation;
  readonly preActivation?: Float32Array | undefined;
}

/**
 * `(Σⱼ gradient[i, j]·weight[j, p] + add[i, p]) · activation′(preActivation[i, p])`.
 *
 * @param gradient `[rows, outputs]`
 * @param weight `[outputs, inputs]`
 * @returns `[rows, inputs]`
 */
export function referenceInputGradient(
  gradient: Float32Array,
  weight: Float32Array,
  { rows, inputs, outputs }: LinearShape,
  { add, activation, preActivation }: ReferencePassing,
): Float64Array {
  const product = referenceMatmul(gradient, weight, { rows, inner: outputs, cols: inputs });
  return product.map((value, i) => {
    const derivative = referenceActivationDerivative(activation, preActivation?.[i] ?? 0);
    return (value + (add?.[i] ?? 0)) * derivative;
  });
}

export interface ReferenceParameterGradients {
  readonly weight: Float64Array;
  readonly bias: Float64Array;
}

/**
 * `weight[j, p] = Σᵢ gradient[i, j]·x[i, p]` and `bias[j] = Σᵢ gradient[i, j]`.
 *
 * @param x `[rows, inputs]`
 * @param gradient `[rows, outputs]`
 */
export function referenceParameterGradients(
  x: Float32Array,
  gradient: Float32Array,
  { rows, inputs, outputs }: LinearShape,
): ReferenceParameterGradients {
  const shape = { rows: outputs, inner: rows, cols: inputs };
  const bias = new Float64Array(outputs);
  gradient.forEach((value, i) => {
    bias[i % outputs]! += value;
  });
  return { weight: referenceMatmul(gradient, x, shape, { transposeA: true }), bias };
}
