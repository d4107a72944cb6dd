import type { Activation } from "@tessera/core";
import { referenceActivation } from "./activation.js";
import type { ReferenceActivated } from "./linear.js";

interface Normalized {
  /** (x − mean) / √(variance + epsilon) */
  readonly values: Float64Array;
  /** 1 / √(variance + epsilon) of each row */
  readonly inverse: Float64Array;
}

function normalize(x: Float32Array, dimension: number, epsilon: number): Normalized {
  const rows = x.length / dimension;
  const values = new Float64Array(x.length);
  const inverse = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * dimension;
    let mean = 0;
    for (let i = 0; i < dimension; i++) mean += x[start + i]! / dimension;
    let variance = 0;
    for (let i = 0; i < dimension; i++) variance += (x[start + i]! - mean) ** 2 / dimension;
    inverse[row] = 1 / Math.sqrt(variance + epsilon);
    for (let i = 0; i < dimension; i++) {
      values[start + i] = (x[start + i]! - mean) * inverse[row]!;
    }
  }
  return { values, inverse };
}

/**
 * Layer normalization of each row: `z = (x − mean) / √(variance + epsilon) · scale + shift`, and the activation of each.
 *
 * @param x `[n, dimension]`, dimension the length of `scale`
 */
export function referenceLayerNorm(
  x: Float32Array,
  scale: Float32Array,
  shift: Float32Array,
  epsilon: number,
  activation: Activation,
): ReferenceActivated {
  const dimension = scale.length;
  const preActivation = normalize(x, dimension, epsilon).values.map(
    (value, i) => value * scale[i % dimension]! + shift[i % dimension]!,
  );
  const output = preActivation.map((z) => referenceActivation(activation, z));
  return { output, preActivation: activation === "relu" ? output : preActivation };
}

export interface ReferenceLayerNormGradients {
  readonly x: Float64Array;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/**
 * With x̂ the normalized row and h = gradient · scale, that of x is `(h − mean(h) − x̂·mean(h·x̂)) / √(variance + epsilon)`.
 *
 * @param x `[n, dimension]`
 * @param gradient `[n, dimension]`, with respect to the pre-activation
 */
export function referenceLayerNormGradients(
  x: Float32Array,
  scale: Float32Array,
  gradient: Float32Array,
  epsilon: number,
): ReferenceLayerNormGradients {
  const dimension = scale.length;
  const { values, inverse } = normalize(x, dimension, epsilon);
  const result = {
    x: new Float64Array(x.length),
    scale: new Float64Array(dimension),
    shift: new Float64Array(dimension),
  };
  inverse.forEach((factor, row) => {
    const start = row * dimension;
    let meanH = 0;
    let meanHx = 0;
    for (let i = 0; i < dimension; i++) {
      const g = gradient[start + i]!;
      result.scale[i]! += g * values[start + i]!;
      result.shift[i]! += g;
      meanH += (g * scale[i]!) / dimension;
      meanHx += (g * scale[i]! * values[start + i]!) / dimension;
    }
    for (let i = 0; i < dimension; i++) {
      const h = gradient[start + i]! * scale[i]!;
      result.x[start + i] = factor * (h - meanH - values[start + i]! * meanHx);
    }
  });
  return result;
}
