import type { Activation } from "@tessera/core";
import { referenceActivation } from "./activation.js";
import type { ReferenceActivated } from "./linear.js";

export interface ReferenceStatistics {
  /** Both `[dimension]`, the variance over n. */
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

/** @param x `[n, dimension]` */
export function referenceBatchStatistics(x: Float32Array, dimension: number): ReferenceStatistics {
  const rows = x.length / dimension;
  const mean = new Float64Array(dimension);
  const variance = new Float64Array(dimension);
  x.forEach((value, i) => (mean[i % dimension]! += value / rows));
  x.forEach((value, i) => (variance[i % dimension]! += (value - mean[i % dimension]!) ** 2 / rows));
  return { mean, variance };
}

/** Running averages after a batch, the variance over n − 1, as in PyTorch. */
export function referenceRunning(
  x: Float32Array,
  running: { readonly mean: Float32Array; readonly variance: Float32Array },
  momentum: number,
): ReferenceStatistics {
  const dimension = running.mean.length;
  const rows = x.length / dimension;
  const { mean, variance } = referenceBatchStatistics(x, dimension);
  const moved = (old: Float32Array, now: Float64Array, factor: number): Float64Array =>
    now.map((value, i) => (1 - momentum) * old[i]! + momentum * factor * value);
  return {
    mean: moved(running.mean, mean, 1),
    variance: moved(running.variance, variance, rows / (rows - 1)),
  };
}

/**
 * Each column normalized by given statistics: `z = (x − mean) / √(variance + epsilon) · scale + shift`, and its activation.
 *
 * @param x `[n, dimension]`, dimension the length of `scale`
 */
export function referenceBatchNorm(
  x: Float32Array,
  scale: Float32Array,
  shift: Float32Array,
  { mean, variance }: { readonly mean: ArrayLike<number>; readonly variance: ArrayLike<number> },
  epsilon: number,
  activation: Activation,
): ReferenceActivated {
  const dimension = scale.length;
  const preActivation = Float64Array.from(x, (value, i) => {
    const column = i % dimension;
    const unit = (value - mean[column]!) / Math.sqrt(variance[column]! + epsilon);
    return unit * scale[column]! + shift[column]!;
  });
  const output = preActivation.map((z) => referenceActivation(activation, z));
  return { output, preActivation: activation === "relu" ? output : preActivation };
}

export interface ReferenceBatchNormGradients {
  readonly x: Float64Array;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/**
 * With x̂ the normalized column and g its gradient, that of x is
 * `scale · (g − mean(g) − x̂·mean(g·x̂)) / √(variance + epsilon)`, the means over the batch.
 *
 * @param x `[n, dimension]`
 * @param gradient `[n, dimension]`, with respect to the pre-activation
 */
export function referenceBatchNormGradients(
  x: Float32Array,
  scale: Float32Array,
  gradient: Float32Array,
  epsilon: number,
): ReferenceBatchNormGradients {
  const dimension = scale.length;
  const rows = x.length / dimension;
  const { mean, variance } = referenceBatchStatistics(x, dimension);
  const deviation = variance.map((value) => Math.sqrt(value + epsilon));
  const unit = Float64Array.from(
    x,
    (value, i) => (value - mean[i % dimension]!) / deviation[i % dimension]!,
  );
  const result = {
    x: new Float64Array(x.length),
    scale: new Float64Array(dimension),
    shift: new Float64Array(dimension),
  };
  gradient.forEach((g, i) => {
    result.scale[i % dimension]! += g * unit[i]!;
    result.shift[i % dimension]! += g;
  });
  gradient.forEach((g, i) => {
    const column = i % dimension;
    const centred = g - result.shift[column]! / rows - (unit[i]! * result.scale[column]!) / rows;
    result.x[i] = (scale[column]! * centred) / deviation[column]!;
  });
  return result;
}
