import { add, mean, mul, type Scalar, square, sub, tanh, type Tensor } from "@tensorflow/tfjs-core";
import { ShapeError } from "@tessera/core";
import { differentiable, untracked } from "../tape.js";
import { weightedSum } from "../codebook/losses.js";
import { checkLatents } from "../tensors.js";
import { checkBeta } from "../vector.js";
import { checkLevels, shiftsOf, slopesOf } from "./bound.js";
import { scalarCodes, scalarValues } from "./codes.js";
import { entropyLoss, type EntropyOptions, resolveEntropyOptions } from "./entropy.js";

/** What {@link finiteScalarQuantize} gives. */
export interface ScalarQuantized {
  /** The codes' values, within −1..1, `[..., d]`; NaN where z is not finite. */
  readonly quantized: Tensor;
  /** A code for each dimension, int32, `[..., d]`; −1 where z is not finite. `fsqIndices` makes one index of them. */
  readonly codes: Tensor;
}

/**
 * Finite scalar quantization (Mentzer et al. 2023, "Finite scalar quantization: VQ-VAE made simple"): each dimension is bounded
 * by b(z) = (h·tanh(z + shift) − offset)/⌊L/2⌋ and rounded to one of its L values; constants are those of the paper's appendix
 * A.1. The gradient passes the rounding and is the bound's: h/⌊L/2⌋ · (1 − tanh²(z + shift)). Two levels are symmetric about 0,
 * with b(z) = 1.001 · tanh(z) and values −1 and 1. There is nothing to learn and no loss.
 *
 * The codes are those of `fsq(…,scale=none)` of `@tessera/vq`.
 *
 * @param z `[..., d]` of float32
 * @param levels d numbers of values, 2 to 256
 * @throws {ShapeError} unless z has as many dimensions as there are levels
 * @throws {SpecError} for levels out of range
 */
export function finiteScalarQuantize(z: Tensor, levels: readonly number[]): ScalarQuantized {
  checkLevels(levels);
  checkLatents(z, levels.length);
  const codes = untracked(() => scalarCodes(z, levels));
  const quantized = differentiable([z], () => ({
    value: scalarValues(codes, levels),
    keep: [z],
    gradient: (dy, [kept]) => {
      const bounded = tanh(add(kept!, shiftsOf(levels)));
      return [mul(dy, mul(slopesOf(levels), sub(1, square(bounded))))];
    },
  }));
  return { quantized, codes };
}

export interface LookupFreeOptions {
  /** β, the weight of the commitment loss in `loss`, from 0. Default 0.25. */
  readonly beta?: number | undefined;
  readonly entropy?: EntropyOptions | undefined;
}

/** What {@link lookupFreeQuantize} gives. */
export interface LookupFreeQuantized extends ScalarQuantized {
  /** mean((z − sg[quantized])²) over all values. */
  readonly commitmentLoss: Scalar;
  /** Entropy of each vector's codes less γ times that of all codes together, in nats. See {@link EntropyOptions}. */
  readonly entropyLoss: Scalar;
  /** `entropy.weight` · `entropyLoss` + β · `commitmentLoss`, to be added to the loss of the network. */
  readonly loss: Scalar;
}

/**
 * Look-up-free quantization (Yu et al. 2024, "Language model beats diffusion: tokenizer is key to visual generation"): each
 * dimension becomes its sign, −1 or 1, and a code 0 or 1. Gradients with respect to `quantized` pass to z unchanged.
 *
 * The codes are those of `lfq…` of `@tessera/vq`; `lfqIndices` makes one index of them.
 *
 * @param z `[..., d]` of float32
 * @throws {ShapeError | ArgumentError} for a z without dimensions, or an option out of range
 */
export function lookupFreeQuantize(
  z: Tensor,
  { beta = 0.25, entropy = {} }: LookupFreeOptions = {},
): LookupFreeQuantized {
  const { quantized, codes } = signs(z);
  checkBeta(beta);
  const settings = resolveEntropyOptions(entropy);
  const commitmentLoss = differentiable([z], () => {
    const errors = sub(z, scalarValues(codes, signLevels(z)));
    return {
      value: mean<Scalar>(square(errors)),
      keep: [errors],
      gradient: (dy: Scalar, [kept]: Tensor[]) => [mul(kept!, mul(dy, 2 / kept!.size))],
    };
  });
  const ofEntropy = entropyLoss(z, settings);
  const loss = weightedSum([
    [commitmentLoss, beta],
    [ofEntropy, settings.weight],
  ]);
  return { quantized, codes, commitmentLoss, entropyLoss: ofEntropy, loss };
}

/** {@link lookupFreeQuantize} without its losses. */
export function signs(z: Tensor): ScalarQuantized {
  const levels = signLevels(z);
  checkLatents(z, levels.length);
  const codes = untracked(() => scalarCodes(z, levels));
  const quantized = differentiable([z], () => ({
    value: scalarValues(codes, levels),
    keep: [],
    gradient: (dy) => [dy.clone()],
  }));
  return { quantized, codes };
}

/** Two for each dimension of `[..., d]`. */
export function signLevels({ shape }: Tensor): number[] {
  const d = shape.at(-1);
  if (d) return Array.from({ length: d }, () => 2);
  throw new ShapeError(`[${shape.join(", ")}] has no dimensions at its end`);
}
