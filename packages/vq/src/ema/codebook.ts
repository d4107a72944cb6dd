import {
  checkFinite,
  checkMatrix,
  checkSpec,
  type ComputeBackend,
  type Matrix,
  Random,
  ShapeError,
  type VqSpec,
} from "@tessera/core";
import { kmeansStep, type KmeansStatistics } from "@tessera/kmeans";
import { assignMetric, checkVqMetric, type VqFacts, VqModel } from "../model.js";
import { normalized } from "../normalize.js";
import { type EmaOptions, resolveEmaOptions } from "./options.js";

export interface EmaCodebookOptions extends EmaOptions {
  /** What nearest means. Default `l2`. Under `cosine` rows and codewords are of unit norm. */
  readonly metric?: "l2" | "ip" | "cosine" | undefined;
  /** Seed of the choice of rows that dead codewords become. Default 0. */
  readonly seed?: number | undefined;
}

export interface EmaStepOptions {
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What one batch did. */
export interface EmaStep {
  /** The codebook after the batch. */
  readonly next: EmaCodebook;
  /** Rows of the batch for each codeword, as they were assigned. */
  readonly counts: Float64Array;
  /** exp of the entropy of the batch's codes: how many codewords it used, were they used evenly. */
  readonly perplexity: number;
  /** Mean over the batch of the distance to the codeword before the step: squared L2, or −x·c. */
  readonly distortion: number;
  /** Codewords that were dead and started anew. */
  readonly replaced: readonly number[];
}

/** What has been averaged for each codeword, in float64. */
interface Averages {
  /** Σ over its batches b of γ^(last − b) · (1 − γ) · n_b. */
  readonly counts: Float64Array;
  /** The same of the sums of its rows, `[K, d]`. */
  readonly sums: Float64Array;
  /** Batches since it started. */
  readonly ages: Float64Array;
}

/**
 * A codebook that learns by exponential moving averages (van den Oord et al. 2017, "Neural discrete representation
 * learning", appendix A.1), for a loop of one's own. A batch with n_k rows of sum s_k for codeword k gives
 *
 *     N_k ← γN_k + (1 − γ)n_k,   m_k ← γm_k + (1 − γ)s_k,   e_k = m_k / (N (N_k + ε) / (N + Kε)),   N = Σ N_k
 *
 * Both averages start at 0 and are divided by 1 − γ^age, so that a start leaves no trace once there are rows; a codeword
 * without any so far stays where it started. Under `cosine`, e_k is brought to unit norm.
 *
 * Immutable: a step returns the next codebook and leaves this one as it was.
 */
export class EmaCodebook {
  readonly spec: VqSpec;
  /** `[codebookSize, d]` */
  readonly codebook: Matrix;
  /** Batches learned from. */
  readonly steps: number;
  readonly #settings: EmaSettings;
  readonly #averages: Averages;

  private constructor(
    spec: VqSpec,
    codebook: Matrix,
    steps: number,
    settings: EmaSettings,
    averages: Averages,
  ) {
    this.spec = spec;
    this.codebook = codebook;
    this.steps = steps;
    this.#settings = settings;
    this.#averages = averages;
  }

  /**
   * @param codebook where codewords start, `[codebookSize, d]`: rows of the data, say, or the codebook of a model
   * @throws {ArgumentError | ShapeError | NonFiniteError} for an option out of range, or what is no codebook
   */
  static start(codebook: Matrix, options: EmaCodebookOptions = {}): EmaCodebook {
    const { metric = "l2", seed = 0, ...rest } = options;
    checkVqMetric(metric);
    checkMatrix(codebook, "codebook");
    checkFinite(codebook, "codebook");
    const { rows, data } = codebook;
    const own = { ...codebook, data: data.slice() };
    if (metric === "cosine") toUnitNorm(own);
    return new EmaCodebook(
      checkSpec({ kind: "vq", codebookSize: rows, metric }) as VqSpec,
      own,
      0,
      { ...resolveEmaOptions(rest), random: new Random(seed).stream("dead codes") },
      {
        counts: new Float64Array(rows),
        sums: new Float64Array(data.length),
        ages: new Float64Array(rows),
      },
    );
  }

  /**
   * Learns from a batch.
   *
   * @param batch `[n, d]`, n ≥ 1
   * @throws {ShapeError} if its rows do not have the width of the codewords, or there are none
   * @throws {NonFiniteError} naming a row that is not finite
   * @throws {AbortedError} once `signal` fires
   */
  async step(batch: Matrix, options: EmaStepOptions = {}): Promise<EmaStep> {
    checkMatrix(batch, "batch");
    if (batch.rows === 0) throw new ShapeError("the batch has no rows");
    const { spec, codebook, steps } = this;
    const { decay, deadCodeThreshold, random } = this.#settings;
    const rows = spec.metric === "cosine" ? normalized(batch) : batch;
    const found = await kmeansStep(rows, codebook, { ...options, metric: assignMetric(spec) });
    const averages = averaged(this.#averages, found, decay);
    const usage = averages.counts.map((count, k) => count / (1 - decay ** averages.ages[k]!));
    const next = this.#codewords(averages, usage);
    const replaced = deadCodes(usage, averages.ages, deadCodeThreshold).slice(0, rows.rows);
    const chosen = random.stream("step", steps).sample(rows.rows, replaced.length);
    replaced.forEach((k, i) => restart(k, rows, chosen[i]!, next, averages));
    if (spec.metric === "cosine") toUnitNorm(next, codebook);
    return {
      next: new EmaCodebook(spec, next, steps + 1, this.#settings, averages),
      counts: found.counts,
      perplexity: perplexityOf(found.counts),
      distortion: found.objective / found.weight,
      replaced,
    };
  }

  /** The model of the codebook as it is. */
  toModel(facts: VqFacts = {}): VqModel {
    return new VqModel(this.spec, this.codebook, facts);
  }

  #codewords({ sums, ages }: Averages, usage: Float64Array): Matrix {
    const { rows, cols, data: before } = this.codebook;
    const { decay, epsilon } = this.#settings;
    const total = usage.reduce((sum, count) => sum + count, 0);
    const data = before.slice();
    for (let k = 0; k < rows; k++) {
      if (usage[k] === 0) continue;
      const smoothed = (total * (usage[k]! + epsilon)) / (total + rows * epsilon);
      const mean = sums
        .subarray(k * cols, (k + 1) * cols)
        .map((sum) => sum / (1 - decay ** ages[k]!) / smoothed);
      data.set(mean, k * cols);
    }
    return { data, rows, cols };
  }
}

type EmaSettings = ReturnType<typeof resolveEmaOptions> & { readonly random: Random };

function averaged(before: Averages, found: KmeansStatistics, decay: number): Averages {
  const average = (old: Float64Array, now: Float64Array): Float64Array =>
    old.map((value, i) => decay * value + (1 - decay) * now[i]!);
  return {
    counts: average(before.counts, found.counts),
    sums: average(before.sums, found.sums),
    ages: before.ages.map((age) => age + 1),
  };
}

/**
 * Codewords with less than their share of the mean usage, once they are old enough to tell: at the threshold, a row should
 * have come by now.
 */
function deadCodes(usage: Float64Array, ages: Float64Array, threshold: number): number[] {
  const least = (threshold * usage.reduce((sum, count) => sum + count, 0)) / usage.length;
  return Array.from(usage.keys()).filter((k) => usage[k]! < least && ages[k]! * least >= 1);
}

/** Codeword k starts anew as a row of the batch, in place. */
function restart(k: number, rows: Matrix, row: number, codebook: Matrix, averages: Averages): void {
  const { cols } = rows;
  codebook.data.set(rows.data.subarray(row * cols, (row + 1) * cols), k * cols);
  averages.sums.fill(0, k * cols, (k + 1) * cols);
  averages.counts[k] = 0;
  averages.ages[k] = 0;
}

function perplexityOf(counts: Float64Array): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let entropy = 0;
  for (const count of counts) {
    if (count > 0) entropy -= (count / total) * Math.log(count / total);
  }
  return Math.exp(entropy);
}

/** Scales codewords to unit norm, in place. One of zeros becomes what it was before, or without that the first axis. */
function toUnitNorm({ data, rows, cols }: Matrix, before?: Matrix): void {
  for (let k = 0; k < rows; k++) {
    const codeword = data.subarray(k * cols, (k + 1) * cols);
    const length = Math.sqrt(codeword.reduce((sum, value) => sum + value * value, 0));
    if (length > 0) for (let j = 0; j < cols; j++) codeword[j]! /= length;
    else if (before) codeword.set(before.data.subarray(k * cols, (k + 1) * cols));
    else codeword[0] = 1;
  }
}
