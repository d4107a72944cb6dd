import { ArgumentError } from "@tessera/core";
import {
  type AveragesOptions,
  type AveragesSettings,
  resolveAverages,
} from "../codebook/averages.js";
import { checkEstimator, type Estimator } from "../codebook/estimate.js";
import { checkBeta, type VectorQuantizeOptions } from "../vector.js";
import type { LayerOptions } from "./quantizer-layer.js";

/** Options of the layers with codebooks. */
export interface CodebookLayerOptions extends LayerOptions, VectorQuantizeOptions, AveragesOptions {
  /**
   * How codebooks learn: by the gradient of the codebook loss, as trainable weights, or by moving averages, to which `decay`,
   * `epsilon` and `deadCodeThreshold` apply. Default `gradient`.
   */
  readonly update?: "gradient" | "ema" | undefined;
  /**
   * Where codewords start: as vectors of the first batch of training (which should have more vectors than there are
   * codewords), or uniform within ±1/K. Default `batch`.
   */
  readonly start?: "batch" | "uniform" | undefined;
  /** Of the start, and of the vectors that dead codewords become. Default 0. */
  readonly seed?: number | undefined;
}

export interface CodebookSettings {
  readonly beta: number;
  readonly estimator: Estimator;
  readonly update: "gradient" | "ema";
  readonly start: "batch" | "uniform";
  readonly seed: number;
  readonly averages: AveragesSettings;
}

/** @throws {ArgumentError} naming the option and its value */
export function resolveCodebookOptions(options: CodebookLayerOptions): CodebookSettings {
  const { beta = 0.25, estimator = "straight-through", seed = 0 } = options;
  const { update = "gradient", start = "batch" } = options;
  checkBeta(beta);
  checkEstimator(estimator);
  if (update !== "gradient" && update !== "ema") {
    throw new ArgumentError(`update is ${JSON.stringify(update)}; it must be gradient or ema`);
  }
  if (start !== "batch" && start !== "uniform") {
    throw new ArgumentError(`start is ${JSON.stringify(start)}; it must be batch or uniform`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new ArgumentError(`seed is ${seed}; it must be an integer from 0`);
  }
  return { beta, estimator, update, start, seed, averages: resolveAverages(options) };
}

/** @throws {ArgumentError} unless it is an integer from 2 */
export function checkCodebookSize(size: number): void {
  if (Number.isSafeInteger(size) && size >= 2) return;
  throw new ArgumentError(`codebookSize is ${size}; it must be an integer from 2`);
}
