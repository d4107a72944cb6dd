import { BackendError } from "./errors.js";
import type { Tensor } from "./tensor.js";
import type { RowLosses } from "./training.js";
import { sumTolerance } from "./training.js";
import type { TrainingBackend } from "./training-backend.js";

/**
 * The kernels that training by distributions over codewords needs besides: Gumbel-softmax, entropies and contrastive losses.
 * A backend that trains may leave them out; {@link distributionBackend} asks for them. What is said of
 * {@link TrainingKernels} holds for them too.
 */
export interface DistributionKernels {
  /**
   * The softmax of each row: p_ij = exp(v_ij) / Σ_j exp(v_ij) of v = scale / unit · logits + noise.scale · G, within
   * {@link softmaxTolerance}.
   *
   * G is standard Gumbel noise, so a row with noise is a draw from the Gumbel-softmax distribution (Jang et al.,
   * "Categorical reparameterization with Gumbel-softmax", ICLR 2017). Element i of the tensor has G = −ln(−ln u) with
   * u = (⌊w / 2⁹⌋ + ½) · 2⁻²³, w being word i mod 4 of the Philox 4×32-10 block of the counter (⌊i / 4⌋, `call`, 0, 4) under
   * the key (`seed`, 0).
   *
   * @param logits `[n, k]`, k ≥ 1; with noise, fewer than 2³² elements
   * @returns `[n, k]`
   */
  softmax(logits: Tensor<"float32">, options?: SoftmaxOptions): Tensor<"float32">;

  /**
   * The gradient of a loss with respect to the logits of {@link softmax}: scale / unit · p ⊙ (g − Σ_j p_j g_j), row by row.
   *
   * @param probabilities `[n, k]`, p
   * @param gradient `[n, k]`, g: with respect to p
   * @returns `[n, k]`
   */
  softmaxGradient(
    probabilities: Tensor<"float32">,
    gradient: Tensor<"float32">,
    options?: SoftmaxGradientOptions,
  ): Tensor<"float32">;

  /**
   * The entropy of each row of probabilities, −Σ p ln p, and its gradient with respect to them, −(ln p + 1), both times
   * `weight`. Probabilities below 2⁻¹²⁶ count as that in the logarithm.
   *
   * @param probabilities `[n, k]`
   * @returns losses `[n]`, gradient `[n, k]`
   */
  entropy(probabilities: Tensor<"float32">, weight: number): RowLosses;

  /**
   * The contrastive loss of each row, whose own candidate is the one with its number (InfoNCE; van den Oord et al.,
   * "Representation learning with contrastive predictive coding", 2018): −ln softmax(scale · similarities)_ii, and its
   * gradient with respect to the similarities, both times `weight`.
   *
   * @param similarities `[n, m]` of rows and candidates, m ≥ n
   * @returns losses `[n]`, gradient `[n, m]`
   */
  contrastiveLoss(similarities: Tensor<"float32">, options: ContrastiveOptions): RowLosses;
}

export interface SoftmaxOptions {
  /** 1 / temperature. Default: 1. */
  readonly scale?: number;
  /** `[1]`: what logits are measured in, where only the device knows that. Below 2⁻⁶⁰ it counts as that. Default: 1. */
  readonly unit?: Tensor<"float32"> | undefined;
  /** Default: none. */
  readonly noise?: GumbelNoise | undefined;
}

export interface GumbelNoise {
  readonly scale: number;
  /** An integer in 0..2³²−1. */
  readonly seed: number;
  /** An integer in 0..2³²−1 that tells one use from another. */
  readonly call: number;
}

export interface SoftmaxGradientOptions {
  /** That of the softmax. Default: 1. */
  readonly scale?: number;
  /** `[1]`, that of the softmax. Default: 1. */
  readonly unit?: Tensor<"float32"> | undefined;
  /** `[k]`, added to the gradient of every row. */
  readonly shared?: Tensor<"float32"> | undefined;
}

export interface ContrastiveOptions {
  /** 1 / temperature. */
  readonly scale: number;
  /** Such as 1 / n for the mean over rows. */
  readonly weight: number;
}

/** A backend that can train by distributions. */
export type DistributionBackend = TrainingBackend & DistributionKernels;

/** The names of all kernels of {@link DistributionKernels}. */
export const DISTRIBUTION_KERNELS: readonly (keyof DistributionKernels)[] = [
  "softmax",
  "softmaxGradient",
  "entropy",
  "contrastiveLoss",
];

/**
 * The same backend, known to have the kernels for distributions.
 *
 * @param purpose what they are for, in words such as `estimator "gumbel"`
 * @throws {BackendError} that names what is missing
 */
export function distributionBackend(
  backend: TrainingBackend,
  purpose: string,
): DistributionBackend {
  const missing = missingForDistributions(backend);
  if (missing.length > 0) {
    throw new BackendError(
      `${purpose} needs ${missing.join(", ")}, which ${backend.info.name} does not have`,
      { hint: "train on the CPU backend; the model then encodes on this one" },
    );
  }
  return backend as DistributionBackend;
}

/** The kernels of {@link DistributionKernels} that a backend lacks. */
export function missingForDistributions(
  backend: Partial<DistributionKernels>,
): readonly (keyof DistributionKernels)[] {
  return DISTRIBUTION_KERNELS.filter((name) => typeof backend[name] !== "function");
}

/**
 * How far a probability of a softmax may be from the exact one.
 *
 * @param largest the largest |scale / unit · logit| + noise.scale · (1 + |G|) of the row
 */
export function softmaxTolerance(probability: number, columns: number, largest: number): number {
  return probability * (2 ** -20 * (1 + largest) + sumTolerance(columns)) + 2 ** -120;
}
