import {
  add,
  div,
  expandDims,
  greater,
  greaterEqual,
  less,
  logicalAnd,
  mul,
  pow,
  scalar,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
  where,
  zerosLike,
} from "@tensorflow/tfjs-core";
import { ArgumentError } from "@tessera/core";
import { product } from "../tensors.js";
import { membership } from "./nearest.js";

export interface AveragesOptions {
  /** γ, the weight of the past in each step: 0 or more, below 1. Default 0.99. */
  readonly decay?: number | undefined;
  /** ε of the Laplace smoothing of the counts, from 0. Default 1e-5. */
  readonly epsilon?: number | undefined;
  /**
   * A codeword whose usage is below this share of the even usage is dead: it starts anew as a vector of the batch. 0 to 1; 0
   * keeps all. Default 0.1.
   */
  readonly deadCodeThreshold?: number | undefined;
}

export type AveragesSettings = Readonly<Record<keyof AveragesOptions, number>>;

/** @throws {ArgumentError} naming the option and its value */
export function resolveAverages(options: AveragesOptions): AveragesSettings {
  const { decay = 0.99, epsilon = 1e-5, deadCodeThreshold = 0.1 } = options;
  if (!(decay >= 0 && decay < 1)) {
    throw new ArgumentError(`decay is ${decay}; it must be a number from 0 to below 1`);
  }
  if (!(epsilon >= 0 && epsilon < Infinity)) {
    throw new ArgumentError(`epsilon is ${epsilon}; it must be a number from 0`);
  }
  if (!(deadCodeThreshold >= 0 && deadCodeThreshold <= 1)) {
    throw new ArgumentError(
      `deadCodeThreshold is ${deadCodeThreshold}; it must be a number from 0 to 1`,
    );
  }
  return { decay, epsilon, deadCodeThreshold };
}

/** A codebook and what has been averaged for it. */
export interface Averages {
  /** `[K, d]` */
  readonly codebook: Tensor2D;
  /** Of the rows of each codeword in a batch, `[K]`. */
  readonly counts: Tensor1D;
  /** Of their sums, `[K, d]`. */
  readonly sums: Tensor2D;
  /** Batches since each codeword started, `[K]`. */
  readonly ages: Tensor1D;
}

/**
 * Learns from a batch by exponential moving averages (van den Oord et al. 2017, appendix A.1). With n_k rows of sum s_k for
 * codeword k,
 *
 *     N_k ← γN_k + (1 − γ)n_k,   m_k ← γm_k + (1 − γ)s_k,   e_k = m_k / (N (N_k + ε) / (N + Kε)),   N = Σ N_k
 *
 * both divided by 1 − γ^age before e_k is taken, as `EmaCodebook` of `@tessera/vq` does.
 *
 * @param rows `[n, d]`
 * @param codes `[n]`
 * @param replacements `[K, d]`: what each codeword becomes if it is dead
 */
export function averaged(
  before: Averages,
  rows: Tensor2D,
  codes: Tensor1D,
  replacements: Tensor2D,
  { decay, epsilon, deadCodeThreshold }: AveragesSettings,
): Averages {
  const size = before.codebook.shape[0];
  const member = membership(codes, size);
  const average = <T extends Tensor1D | Tensor2D>(old: T, now: T): T =>
    add(mul(old, decay), mul(now, 1 - decay));
  const counts = average(before.counts, sum<Tensor1D>(member, 1));
  const sums = average(before.sums, product(member, rows));
  const ages = add<Tensor1D>(before.ages, 1);

  const seen = sub<Tensor1D>(1, pow(scalar(decay), ages));
  const usage = div<Tensor1D>(counts, seen);
  const total = sum(usage);
  const smoothed = div(mul(total, add(usage, epsilon)), add(total, size * epsilon));
  // A codeword without rows stays, so what it is divided by does not matter.
  const used = greater(usage, 0);
  const divisor = where(used, mul(seen, smoothed), 1);
  const means = div<Tensor2D>(sums, expandDims(divisor, 1));
  const codebook = where(expandDims(used, 1), means, before.codebook);

  // Once it is old enough to tell: at the threshold, a row should have come by now.
  const least = mul(total, deadCodeThreshold / size);
  const dead = logicalAnd(less(usage, least), greaterEqual(mul(ages, least), 1));
  const column = expandDims(dead, 1);
  return {
    codebook: where(column, replacements, codebook),
    counts: where(dead, zerosLike(counts), counts),
    sums: where(column, zerosLike(sums), sums),
    ages: where(dead, zerosLike(ages), ages),
  };
}
