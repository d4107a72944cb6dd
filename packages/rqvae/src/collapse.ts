import type { Health } from "./health.js";
import type { Plan } from "./plan.js";

/** Codebooks that stand for hardly any difference between rows, and why that is likely. */
export interface Collapse {
  /** The first level that collapsed, counted from 1. */
  readonly level: number;
  /** What is wrong, with figures. */
  readonly message: string;
  /** The likeliest cause and what to do about it. */
  readonly remedy: string;
  readonly cause: "unstandardized" | "loss-scale" | "commitment" | "small-batch" | "early-start";
}

/** Share of a codebook that its perplexity falls below when it has collapsed. */
const COLLAPSED = 0.1;

/** How the rows lie that the network is given. */
export interface InputScale {
  /** Mean over columns of the variance. */
  readonly variance: number;
  /** Mean over columns of the squared mean. */
  readonly offset: number;
}

/**
 * Finds a level that uses few of its codewords, and names the likeliest cause: rows far from mean 0 or variance 1, a loss
 * averaged over dimensions whose pull to the codewords outweighs it, a commitment that shrank the latents, batches smaller
 * than a codebook, or codebooks that started on the latents of an untrained encoder.
 *
 * @param rows that health was taken of: a level cannot use more codewords than there are rows
 */
export function findCollapse(
  { levels, latentVariance }: Health,
  { bottleneck, settings, latent }: Plan,
  input: InputScale,
  rows: number,
): Collapse | undefined {
  // Values that are rounded have no codebook that could collapse.
  if (bottleneck.finite) return undefined;
  const found = levels.findIndex(
    ({ perplexity }, l) => perplexity < COLLAPSED * Math.min(bottleneck.sizes[l]!, rows),
  );
  if (found < 0) return undefined;
  const size = bottleneck.sizes[found]!;
  const { perplexity, dead } = levels[found]!;
  const message = `level ${found + 1} uses ${perplexity.toFixed(1)} of its ${size} codewords (perplexity); ${dead} are dead`;
  const result = (cause: Collapse["cause"], remedy: string): Collapse => ({
    level: found + 1,
    message,
    remedy,
    cause,
  });
  const { variance, offset } = input;
  if (settings.standardize === "none" && (variance < 0.1 || variance > 10 || offset > variance)) {
    return result(
      "unstandardized",
      `the rows have variance ${variance.toPrecision(2)} and squared mean ${offset.toPrecision(2)} in a column: set standardize to "global"`,
    );
  }
  if (settings.reduction === "mean") {
    return result(
      "loss-scale",
      'errors averaged over dimensions are small beside the pull to the codewords: set reduction to "sum"',
    );
  }
  if (latentVariance < 1e-3 * latent || settings.commitment > 2) {
    return result(
      "commitment",
      `the latents have shrunk to a variance of ${latentVariance.toPrecision(2)}: lower commitment, now ${settings.commitment}`,
    );
  }
  if (settings.pretraining === 0) {
    return result(
      "early-start",
      "the codebooks started on the latents of an untrained encoder: set pretraining to a third of the steps",
    );
  }
  return result(
    "small-batch",
    `a step sees ${settings.batchSize} rows for ${size} codewords: raise batchSize, or review more often`,
  );
}
