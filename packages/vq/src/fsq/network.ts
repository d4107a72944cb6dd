import type { Matrix } from "@tessera/core";
import { boundedValues, boundHalf, boundShift } from "./bound.js";
import { thresholdsOf } from "./model.js";

/** What a network is trained with that ends in finite scalar quantization; all but the thresholds have a value a dimension. */
export interface FsqBound {
  /** `[max(levels) − 1, d]`, for the kernel `thresholdEncode`: the codes are those of a model with `scale` `none`. */
  readonly thresholds: Matrix;
  /** Code k stands for lower + k · step, within −1..1. */
  readonly lower: Float32Array;
  readonly step: Float32Array;
  /** Before rounding, a value is slope · tanh(z + shift) but for what it is moved by: the kernel `boundGradient`'s. */
  readonly shift: Float32Array;
  readonly slope: Float32Array;
}

/** The bound of `fsq(…,scale=none)` for training a network, whose gradient passes the rounding unchanged. */
export function fsqBound(levels: readonly number[]): FsqBound {
  const values = levels.map(boundedValues);
  const steps = values.map(([first, second]) => second! - first!);
  return {
    thresholds: thresholdsOf(levels, undefined),
    lower: Float32Array.from(values, ([first]) => first!),
    step: Float32Array.from(steps),
    shift: Float32Array.from(levels, boundShift),
    slope: Float32Array.from(levels, (count, j) => boundHalf(count) * steps[j]!),
  };
}
