import {
  expandDims,
  reshape,
  type Scalar,
  squeeze,
  type Tensor,
  type Tensor2D,
} from "@tensorflow/tfjs-core";
import { ArgumentError, ShapeError } from "@tessera/core";
import { checkEstimator, type Estimator, passThrough } from "./codebook/estimate.js";
import { checkCodebooks, selectCodes, sumLevels } from "./codebook/levels.js";
import { codebookLoss, commitmentLoss, weightedSum } from "./codebook/losses.js";
import { untracked } from "./tape.js";
import { checkLatents, rowsOf } from "./tensors.js";

export interface VectorQuantizeOptions {
  /** β, the weight of the commitment loss in `loss`, from 0. Default 0.25. */
  readonly beta?: number | undefined;
  /**
   * How the gradient with respect to `quantized` becomes one with respect to z: as it is, or turned and scaled as z is to
   * become its codewords' sum. Default `straight-through`.
   */
  readonly estimator?: Estimator | undefined;
}

/** What the quantizers with codebooks give. */
export interface VectorQuantized {
  /** The codewords in z's place, `[..., d]`, exactly; NaN where z is not finite. The codebooks get no gradient from it. */
  readonly quantized: Tensor;
  /** int32, `[...]` of one codebook, `[..., L]` of L levels; −1 where z is not finite. */
  readonly codes: Tensor;
  /** Σ_l mean(‖sg[r_l] − e_l‖²), the mean over all values of z. Its gradient is the codebooks' alone. */
  readonly codebookLoss: Scalar;
  /** Σ_l mean(‖r_l − sg[e_l]‖²), the same number. Its gradient is z's alone. */
  readonly commitmentLoss: Scalar;
  /** `codebookLoss` + β · `commitmentLoss`, to be added to the loss of the network. */
  readonly loss: Scalar;
}

/**
 * Vector quantization (van den Oord et al. 2017, "Neural discrete representation learning", equation 3): each vector of z
 * becomes the nearest codeword, argmin_k ‖z − e_k‖², of equally near ones the first.
 *
 * With the rotation trick (Fifty et al. 2025, "Restructuring vector quantization with the rotation trick"),
 * quantized = λRz with λ = ‖e‖/‖z‖ and R the rotation from z to e, both held constant; a vector shorter than 10⁻⁶, or opposed to
 * its codeword, passes its gradient unchanged. Needs memory for n × K values, n being the number of vectors.
 *
 * The codes are those of `VqModel` of `@tessera/vq` with the same codebook, but for ties within float32's rounding.
 *
 * @param z `[..., d]` of float32
 * @param codebook `[K, d]` of float32, often a variable
 * @throws {ShapeError} unless they are
 * @throws {ArgumentError} for an option out of range
 */
export function vectorQuantize(
  z: Tensor,
  codebook: Tensor,
  options: VectorQuantizeOptions = {},
): VectorQuantized {
  const all = residualQuantize(z, [codebook], options);
  return { ...all, codes: untracked(() => squeeze(all.codes, [-1])) };
}

/**
 * Residual quantization (Zeghidour et al. 2021, "SoundStream"; Rajput et al. 2023, "Recommender systems with generative
 * retrieval"): each level quantizes what the levels before it left over, r_1 = z and r_{l+1} = r_l − sg[e_l]. `quantized`
 * is the sum of the levels' codewords, to which the estimator applies as a whole; the losses are sums over levels.
 *
 * The codes are those of `ResidualModel` of `@tessera/rq` of the same codebooks, encoding greedily.
 *
 * @param z `[..., d]` of float32
 * @param codebooks `[K_l, d]` of float32 for each level, from coarse to fine
 * @throws {ShapeError} unless they are
 * @throws {ArgumentError} for an option out of range
 */
export function residualQuantize(
  z: Tensor,
  codebooks: readonly Tensor[],
  { beta = 0.25, estimator = "straight-through" }: VectorQuantizeOptions = {},
): VectorQuantized {
  checkCodebooks(codebooks);
  checkLatents(z, codebooks[0]!.shape[1]!);
  checkEstimator(estimator);
  checkBeta(beta);
  const levels = codebooks as readonly Tensor2D[];
  const codes = untracked(() => selectCodes(rowsOf(z), levels));
  const ofCodebook = codebookLoss(z, codes, levels);
  const ofCommitment = commitmentLoss(z, codes, levels);
  return {
    quantized: passThrough(z, codes, levels, estimator),
    codes: untracked(() => reshape(codes, [...z.shape.slice(0, -1), levels.length])),
    codebookLoss: ofCodebook,
    commitmentLoss: ofCommitment,
    loss: weightedSum([
      [ofCodebook, 1],
      [ofCommitment, beta],
    ]),
  };
}

/**
 * What codes of {@link vectorQuantize} stand for.
 *
 * @param codes `[...]` of int32
 * @param codebook `[K, d]`
 * @returns `[..., d]`, NaN for a code −1
 */
export function decodeVectors(codes: Tensor, codebook: Tensor): Tensor {
  return decodeResiduals(
    untracked(() => expandDims(codes, -1)),
    [codebook],
  );
}

/**
 * What codes of {@link residualQuantize} stand for: the sum of a codeword of each level.
 *
 * @param codes `[..., L]` of int32; fewer columns than codebooks are decoded as far as they go
 * @param codebooks `[K_l, d]` each
 * @returns `[..., d]`, NaN for codes −1
 * @throws {ShapeError} if there are more columns than codebooks, or none
 */
export function decodeResiduals(codes: Tensor, codebooks: readonly Tensor[]): Tensor {
  checkCodebooks(codebooks);
  const columns = codes.rank === 0 ? 0 : codes.shape.at(-1)!;
  if (columns === 0 || columns > codebooks.length) {
    throw new ShapeError(
      `codes are [${codes.shape.join(", ")}]; the last axis must be 1 to ${codebooks.length}, the number of codebooks`,
    );
  }
  const used = codebooks.slice(0, columns) as Tensor2D[];
  return untracked(() =>
    reshape(sumLevels(rowsOf(codes), used), [...codes.shape.slice(0, -1), used[0]!.shape[1]]),
  );
}

/** @throws {ArgumentError} unless it is a number from 0 */
export function checkBeta(beta: number): void {
  if (beta >= 0 && beta < Infinity) return;
  throw new ArgumentError(`beta is ${beta}; it must be a number from 0`);
}
