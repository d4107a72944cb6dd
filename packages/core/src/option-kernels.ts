import type { Tensor } from "./tensor.js";
import type { ActivatedLayer, LayerNormOptions, LayerNormParameters } from "./training.js";

/**
 * Kernels of {@link TrainingKernels} that only a setting of a trainer needs. Unlike those they may be left out by a backend
 * that trains, and nothing stands in for them: a trainer that lacks one says so.
 */
export interface OptionKernels {
  /**
   * Codes of a batch that share its rows out among the codewords, by Sinkhorn's iterations (Cuturi, "Sinkhorn distances",
   * 2013; Caron et al., "Unsupervised learning of visual features by contrasting cluster assignments", 2020).
   *
   * In each group, with the squared distances D of all rows to all codewords moved and scaled so that the least is −1 and
   * the largest 1 (0 if they are all the same), the plan is P = e^(−D / epsilon). An iteration brings every row of P to the
   * sum 1, then every column. A row's code is where its row of P is largest, the lowest of equals; backends choose alike
   * but for entries whose logarithms are within {@link balanceTolerance}.
   *
   * Every row of the batch has a say in every code. Where a distance is not finite, its row is a {@link NonFiniteError} at
   * `read()`.
   *
   * @param x `[n, g·d]`
   * @param codebooks `[g, k, d]`
   * @returns `[n, g]`
   */
  balancedAssign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: BalanceOptions,
  ): Tensor<"int32">;

  /**
   * Batch normalization of each column: `activation((x − mean) / √(variance + epsilon) ⊙ scale + shift)`, and what the
   * activation was applied to (Ioffe & Szegedy, "Batch normalization", 2015).
   *
   * With a momentum m, mean and variance are those of the batch, the variance over n; and with them `running` is updated
   * in place as PyTorch does: r ← (1 − m) · r + m · (mean, or variance · n / (n − 1)). Without one they are `running`, which
   * stays, and rows do not depend on one another.
   *
   * @param x `[n, d]`, d ≥ 1; with a momentum n ≥ 2
   * @param parameters both `[d]`
   * @param running both `[d]`
   * @returns both `[n, d]`
   */
  batchNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    running: BatchStatistics,
    options: BatchNormOptions,
  ): ActivatedLayer;

  /**
   * The gradients of {@link batchNorm} with a momentum: with respect to its parameters, written in place, and to its input,
   * on which mean and variance depend.
   *
   * @param x `[n, d]`, what was normalized
   * @param scale `[d]`
   * @param gradient `[n, d]`, with respect to the pre-activation
   * @param into both `[d]`
   * @returns `[n, d]`
   */
  batchNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32">;

  /**
   * The gradient with respect to z of a loss of slope ⊙ tanh(z + shift), column by column:
   * `gradient ⊙ slope ⊙ (1 − tanh²(z + shift))`. It is what passes the bound of finite scalar quantization, whose rounding
   * lets gradients through unchanged (Mentzer et al., "Finite scalar quantization", 2023).
   *
   * The derivative is within {@link activationTolerance}.
   *
   * @param z `[n, d]`
   * @param gradient `[n, d]`, with respect to the bounded values
   * @param bound both `[d]`
   * @returns `[n, d]`
   */
  boundGradient(z: Tensor<"float32">, gradient: Tensor<"float32">, bound: Bound): Tensor<"float32">;
}

/** The names of all {@link OptionKernels}. */
export const OPTION_KERNELS: readonly (keyof OptionKernels)[] = [
  "balancedAssign",
  "batchNorm",
  "batchNormGradients",
  "boundGradient",
];

/** With less, scores would have hardly a digit after the point in float32. */
export const MIN_BALANCE_EPSILON = 1e-4;

export interface BalanceOptions {
  /** From {@link MIN_BALANCE_EPSILON}: the smaller, the more a row's own distances count, as a share of half their range. */
  readonly epsilon: number;
  /** 1 or more. */
  readonly iterations: number;
}

export interface BatchStatistics {
  readonly mean: Tensor<"float32">;
  readonly variance: Tensor<"float32">;
}

export interface BatchNormOptions extends LayerNormOptions {
  /** From 0 to 1; PyTorch's default is 0.1. Without one, rows are normalized by the running averages. */
  readonly momentum?: number | undefined;
}

export interface Bound {
  readonly shift: Tensor<"float32">;
  readonly slope: Tensor<"float32">;
}

/**
 * How far the logarithms of two entries of a plan may be apart and yet be ranked either way: distances are sums of d
 * terms, scaled to 1 / epsilon, and no iteration magnifies what was off before it.
 */
export function balanceTolerance(
  dimension: number,
  { epsilon, iterations }: BalanceOptions,
): number {
  return (dimension + 32) * (iterations + 1) * (1 + 1 / epsilon) * 2 ** -22;
}
