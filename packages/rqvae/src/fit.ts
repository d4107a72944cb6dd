import {
  createQuantizers,
  type FitOptions,
  type Quantizers,
  residual,
  type Rows,
  transformed,
  vq,
  DEFAULT_AUTOENCODER_WIDTHS,
  ArgumentError,
} from "@tessera/core";
import { splitPart } from "@tessera/pq";
import { residualPart } from "@tessera/rq";
import { createTransformedPart, type TransformedModel, transformParts } from "@tessera/transforms";
import { fsqPart, vqPart } from "@tessera/vq";
import { type AutoencoderOptions, createAutoencoderPart } from "./part.js";

/** Trains and loads `ae(…)>q`, and everything that may be `q`. */
export function createAutoencoderQuantizers(options: AutoencoderOptions = {}): Quantizers {
  return createQuantizers([
    vqPart,
    fsqPart,
    residualPart,
    splitPart,
    createTransformedPart([...transformParts, createAutoencoderPart(options)]),
  ]);
}

export interface FitRqvaeOptions
  extends
    Pick<FitOptions, "backend" | "seed" | "sample" | "signal" | "onProgress">,
    AutoencoderOptions {
  /** Number of levels. Default 3. */
  readonly levels?: number | undefined;
  /** Number of codewords of every level. Default 256. */
  readonly codebookSize?: number | undefined;
  /** Outputs of the encoder's layers, the last the latent's; the decoder mirrors them. Default 512, 256, 128, 64. */
  readonly widths?: readonly number[] | undefined;
}

/**
 * Trains an RQ-VAE: `fitRqvae(rows, { levels: 3, codebookSize: 256 })` is the spec `rqvae3x256`.
 *
 * @param rows `[n, d]`, n at least the codebook's size; a stream of more than `bufferRows` is read anew for each epoch
 * @throws {ArgumentError} for a setting out of range
 * @throws {ShapeError} if the alignment does not have one row for each
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {TrainingError} if training diverges or codebooks collapse
 * @throws {BackendError} on a backend that cannot train
 * @throws {AbortedError} once `signal` fires
 */
export async function fitRqvae(
  rows: Rows,
  options: FitRqvaeOptions = {},
): Promise<TransformedModel> {
  const {
    levels = 3,
    codebookSize = 256,
    widths = DEFAULT_AUTOENCODER_WIDTHS,
    backend,
    seed,
    sample,
    signal,
    onProgress,
    ...training
  } = options;
  if (!Number.isInteger(levels) || levels < 1) {
    throw new ArgumentError(`levels is ${levels}; it must be an integer from 1`);
  }
  const spec = transformed(
    { kind: "ae", widths },
    residual(...Array.from({ length: levels }, () => vq(codebookSize))),
  );
  const fitOptions = { backend, seed, sample, signal, onProgress };
  const model = await createAutoencoderQuantizers(training).fit(spec, rows, fitOptions);
  return model as TransformedModel;
}
