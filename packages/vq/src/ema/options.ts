import { ArgumentError } from "@tessera/core";

/** How moving averages learn a codebook. */
export interface EmaOptions {
  /** γ, the weight of the past in each step: 0 or more, below 1. Default 0.99. */
  readonly decay?: number | undefined;
  /** ε of the Laplace smoothing of the counts, from 0. Default 1e-5. */
  readonly epsilon?: number | undefined;
  /**
   * A codeword whose usage is below this share of the even usage, rows of a batch / `codebookSize`, is dead: it starts anew
   * as a row of the batch. 0 to 1; 0 keeps all. Default 0.1.
   */
  readonly deadCodeThreshold?: number | undefined;
}

/** @throws {ArgumentError} naming the option and its value */
export function resolveEmaOptions(options: EmaOptions): Readonly<Record<keyof EmaOptions, number>> {
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
