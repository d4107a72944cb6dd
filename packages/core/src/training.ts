import type { OptionKernels } from "./option-kernels.js";
import type { Tensor } from "./tensor.js";
import type { DistributionKernels } from "./training-distributions.js";

/**
 * The kernels that training adds to {@link ComputeBackend}: all of them optional there, and a backend that has them can
 * train ({@link trainingBackend}). A training step calls these alone: it never reads, so it fits any in-order queue.
 *
 * - **In place.** Tensors said to be *written in place* get new values from this call on: for every kernel called later,
 *   through every slice and reshape of the same storage. So the parameters of a network are slices of one vector, their
 *   gradients slices of another, and one `optimizerStep` updates them all. What is written must not overlap what the
 *   same call reads, unless stated. A written tensor takes on the faults of what it was computed from, for its storage
 *   as a whole and for good.
 * - **Numbers.** As in {@link ComputeBackend}: sums in an order that depends on shapes alone, the same bits in every run
 *   and for any number of threads. Hyper-parameters are plain numbers; what follows from them alone, such as 1 − β, is
 *   computed in float64 and then rounded to float32.
 *   A sum of k terms is within {@link sumTolerance} of the exact one, and what is computed from it accordingly.
 * - **Non-finite values** pass through; only the kernels that choose codes name them.
 */
export interface TrainingKernels extends Partial<OptionKernels>, Partial<DistributionKernels> {
  /** Copies the values of `source` into `target`, of the same shape, in place. */
  write<T extends Tensor>(target: T, source: T): void;

  /**
   * A layer of a network: `activation(x · weightᵀ + bias)`, and what the activation was applied to.
   *
   * @param x `[n, in]`
   * @param weight `[out, in]`, as in PyTorch
   * @returns both `[n, out]`
   */
  linear(x: Tensor<"float32">, weight: Tensor<"float32">, options?: LinearOptions): ActivatedLayer;

  /**
   * The gradient of the loss with respect to a layer's input, and on through what made that input:
   * `(gradient · weight + add) ⊙ activation′(preActivation)`.
   *
   * @param gradient `[n, out]`, with respect to the layer's pre-activation
   * @param weight `[out, in]`
   * @returns `[n, in]`
   */
  inputGradient(
    gradient: Tensor<"float32">,
    weight: Tensor<"float32">,
    options?: InputGradientOptions,
  ): Tensor<"float32">;

  /**
   * The gradients of the loss with respect to a layer's parameters, written in place: `gradientᵀ · x`, and the sums of
   * the columns of `gradient`.
   *
   * @param x `[n, in]`
   * @param gradient `[n, out]`, with respect to the layer's pre-activation
   * @param into weight `[out, in]`, bias `[out]`
   */
  parameterGradients(
    x: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LinearParameters,
  ): void;

  /** `parameterGradients` and `inputGradient` of one layer in one call. Composed of them where a backend leaves it out. */
  linearGradients(
    x: Tensor<"float32">,
    weight: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LinearParameters,
    options?: InputGradientOptions,
  ): Tensor<"float32">;

  /**
   * Layer normalization of each row: `activation((x − mean) / √(variance + epsilon) ⊙ scale + shift)`, the variance over
   * n (Ba et al., "Layer normalization", 2016), and what the activation was applied to.
   *
   * @param x `[n, d]`, d ≥ 1
   * @param parameters both `[d]`
   * @returns both `[n, d]`
   */
  layerNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    options: LayerNormOptions,
  ): ActivatedLayer;

  /**
   * The gradients of {@link layerNorm}: with respect to its parameters, written in place, and to its input.
   *
   * @param x `[n, d]`, what was normalized
   * @param scale `[d]`
   * @param gradient `[n, d]`, with respect to the pre-activation
   * @param into both `[d]`
   * @returns `[n, d]`
   */
  layerNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32">;

  /**
   * Keeps each value with probability `1 − rate`, divided by it, and zeroes the others. Element i is kept where word
   * i mod 4 of the Philox 4×32-10 block of the counter (⌊i / 4⌋, `call`, 0, 3) under the key (`seed`, 0) is at least
   * `rate · 2³²`, so the same call on a gradient is the gradient.
   *
   * @param x of any shape, with fewer than 2³² elements
   * @param rate 0 to below 1
   * @param seed an integer in 0..2³²−1
   * @param call an integer in 0..2³²−1 that tells one use from another
   */
  dropout(x: Tensor<"float32">, rate: number, seed: number, call: number): Tensor<"float32">;

  /**
   * The loss of each row's reconstruction, and its gradient with respect to `output`, both times `weight`. With ŷ and x̂ of
   * unit length in the direction of y and x:
   *
   * - `squared`: ‖y − x‖²
   * - `normalized`: ‖ŷ − x‖²
   * - `cosine`: 1 − ŷ · x̂
   *
   * A row of zeros counts as if it had length 1: ŷ is 0.
   *
   * @param output `[n, d]`, y
   * @param target `[n, d]`, x
   * @returns losses `[n]`, gradient `[n, d]`
   */
  reconstructionLoss(
    output: Tensor<"float32">,
    target: Tensor<"float32">,
    options: ReconstructionOptions,
  ): RowLosses;

  /**
   * The whole forward and backward pass of a residual quantizer's codebooks in one call. With r₀ = z, level l takes the
   * nearest codeword c of r_l in each group, the lowest of equals, and leaves r_{l+1} = r_l − c, rounded once.
   *
   * Codes are within {@link tieTolerance} of the nearest for the residual that the codes before them leave. A row of z or
   * a codeword that is not finite, or whose square overflows, is a {@link NonFiniteError} at `read()`, as in `assign`.
   *
   * Composed of the kernels for codebooks and `write` where a backend leaves it out.
   *
   * @param z `[n, g·d]`
   * @param codebooks of `g·d·Σk` elements, in any shape: the levels one after another, each `[g, k, d]`
   * @param sizes k of each level, 1 or more of them
   */
  quantizeLevels(
    z: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    sizes: readonly number[],
    options?: QuantizeOptions,
  ): QuantizedLevels;

  /**
   * The gradient with respect to z of a loss of the quantized q, by the rotation trick: q = λRz, with λ = ‖q‖ / ‖z‖ and
   * the rotation R from z to q held constant, so the result is λRᵀ · gradient (Fifty et al., "Restructuring vector
   * quantization with the rotation trick", ICLR 2025). With unit vectors ẑ and q̂, s = ẑ + q̂ and r = s / ‖s‖:
   * Rᵀg = g − 2(r·g)r + 2(q̂·g)ẑ.
   *
   * Where z or q is shorter than 10⁻⁶, or ‖s‖ is, the row's gradient passes unchanged.
   *
   * @param z `[n, d]`
   * @param quantized `[n, d]`
   * @param gradient `[n, d]`, with respect to `quantized`
   * @returns `[n, d]`
   */
  rotateGradient(
    z: Tensor<"float32">,
    quantized: Tensor<"float32">,
    gradient: Tensor<"float32">,
  ): Tensor<"float32">;

  /** The sum of the squares of all elements, `[1]`. Composed of `clusterSums` where a backend leaves it out. */
  sumOfSquares(x: Tensor<"float32">): Tensor<"float32">;

  /**
   * One step of an optimizer on a vector of parameters; they and the state are updated in place, element by element.
   * With g the gradient (clipped if asked), p ← (1 − learningRate · weightDecay) · p (decoupled decay), and then:
   *
   * - `adamw`, of state m, v (Loshchilov & Hutter, 2019): m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²;
   *   p ← p − learningRate / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + epsilon)
   * - `adagrad`, of state s (Duchi et al., 2011): s ← s + g²; p ← p − learningRate · g / (√s + epsilon)
   * - `sgd`, of state b, or none without momentum: b ← momentum · b + g; p ← p − learningRate · b
   *
   * @param parameters `[P]`
   * @param gradients `[P]`
   * @param state each `[P]`, all zeros before the first step
   */
  optimizerStep(
    parameters: Tensor<"float32">,
    gradients: Tensor<"float32">,
    state: readonly Tensor<"float32">[],
    update: OptimizerUpdate,
  ): void;

  /**
   * Codebooks by moving average (van den Oord et al., "Neural discrete representation learning", 2017, appendix A.1),
   * updated in place with their usage N: N ← decay · N + (1 − decay) · counts, then
   * c ← c + (1 − decay) · sums / N for the codewords that have rows. That is c = M / N of the two averages M and N, since
   * `sums` are those of what the rows have beyond their codeword.
   *
   * @param codebooks `[m, d]`
   * @param sums `[m, d]`, of `quantizeLevels` with sum weights of 1
   * @param counts `[m]`
   * @param usage `[m]`
   * @param decay 0 to below 1
   */
  emaStep(
    codebooks: Tensor<"float32">,
    sums: Tensor<"float32">,
    counts: Tensor<"float32">,
    usage: Tensor<"float32">,
    decay: number,
  ): void;
}

/**
 * - `gelu`: z · Φ(z), Φ the normal distribution function (Hendrycks & Gimpel, 2016); not the approximation by tanh
 * - `silu`: z / (1 + e⁻ᶻ)
 *
 * Values and derivatives are within {@link activationTolerance}. relu′(0) = 0.
 */
export type Activation = "none" | "relu" | "gelu" | "silu";

export interface LinearOptions {
  /** `[out]`, added to every row. */
  readonly bias?: Tensor<"float32">;
  /** Default: `none`. */
  readonly activation?: Activation;
}

export interface ActivatedLayer {
  readonly output: Tensor<"float32">;
  /**
   * What tells the activation's derivative: the values before it. For `none` and `relu`, where the output tells it as
   * well, this is a view of the output.
   */
  readonly preActivation: Tensor<"float32">;
}

/** Where a layer's gradients go. */
export interface LinearParameters {
  readonly weight: Tensor<"float32">;
  readonly bias?: Tensor<"float32">;
}

export interface InputGradientOptions {
  /** `[n, in]`, added before the activation's derivative is applied. */
  readonly add?: Tensor<"float32">;
  /** The activation that made the layer's input. Default: `none`. */
  readonly activation?: Activation;
  /** `[n, in]`, of the layer that made the input; needed with an activation. */
  readonly preActivation?: Tensor<"float32">;
}

export interface LayerNormParameters {
  readonly scale: Tensor<"float32">;
  readonly shift: Tensor<"float32">;
}

export interface LayerNormOptions {
  /** Above 0; PyTorch's default is 1e-5. */
  readonly epsilon: number;
  /** Default: `none`. */
  readonly activation?: Activation;
}

export interface ReconstructionOptions {
  readonly kind: "squared" | "normalized" | "cosine";
  /** Such as 1 / n for the mean over rows. */
  readonly weight: number;
}

export interface RowLosses {
  readonly losses: Tensor<"float32">;
  readonly gradient: Tensor<"float32">;
}

export interface QuantizeOptions {
  /** g. Default: 1. */
  readonly groups?: number;
  /** One for each level: `pull` is Σ weight_l · r_{l+1}. Default: 1 each. */
  readonly pullWeights?: readonly number[];
  /**
   * As many elements as `codebooks`, written in place: per level, group and code, weight_l · Σ r_{l+1} over the rows with
   * the code. Times −2 that is the gradient of Σ‖r_l − c‖² with respect to the codewords.
   */
  readonly sums?: Tensor<"float32">;
  /** One for each level. Default: 1 each. */
  readonly sumWeights?: readonly number[];
}

/** L levels, n rows, g groups of d values. */
export interface QuantizedLevels {
  /** `[L, n, g]` */
  readonly codes: Tensor<"int32">;
  /** `[L, n, g]`: ‖r_{l+1}‖² of each group. */
  readonly distances: Tensor<"float32">;
  /** `[n, g·d]`: the sum of the chosen codewords, in the order of the levels. */
  readonly output: Tensor<"float32">;
  /** `[n, g·d]`: Σ weight_l · r_{l+1}; times 2, the gradient of the weighted Σ‖r_l − c‖² with respect to z. */
  readonly pull: Tensor<"float32">;
  /** `[g·Σk]`: rows of each code, in the order of the codewords. */
  readonly counts: Tensor<"float32">;
}

interface OptimizerSettings {
  readonly learningRate: number;
  /** Default: 0. */
  readonly weightDecay?: number;
  /**
   * g is the gradient times min(1, limit / (√squaredNorm + 10⁻⁶)), as PyTorch's `clip_grad_norm_` has it, so one norm may
   * serve several calls. Without it, g is the gradient.
   */
  readonly clip?: { readonly squaredNorm: Tensor<"float32">; readonly limit: number };
}

export interface AdamWUpdate extends OptimizerSettings {
  readonly rule: "adamw";
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** t: 1 for the first step. */
  readonly step: number;
}

export interface AdagradUpdate extends OptimizerSettings {
  readonly rule: "adagrad";
  readonly epsilon: number;
}

export interface SgdUpdate extends OptimizerSettings {
  readonly rule: "sgd";
  readonly momentum: number;
}

export type OptimizerUpdate = AdamWUpdate | AdagradUpdate | SgdUpdate;

/** How far a sum of k terms may be from the exact one, relative to the sum of their magnitudes. */
export function sumTolerance(terms: number): number {
  return (terms + 16) * 2 ** -23;
}

/** How far an activation or its derivative may be from the exact one, with engines that approximate e^x and Φ. */
export function activationTolerance(preActivation: number): number {
  return 2 ** -20 * (1 + Math.abs(preActivation));
}
