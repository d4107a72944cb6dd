import {
  ArgumentError,
  checkFinite,
  type DistributionBackend,
  type Matrix,
  type RowLosses,
  ShapeError,
  type Tensor,
} from "@tessera/core";
import type { LossSettings } from "./settings.js";
import type { RowStream } from "./stream.js";

type Floats = Tensor<"float32">;

/** The linear map from latents to the second embedding, where they differ in dimension, and where its gradient goes. */
export interface AlignmentMap {
  /** `[dimension of the second embedding, latent]` */
  readonly weight: Floats;
  readonly gradient: Floats;
}

/**
 * @throws {ShapeError} unless there is one row for each
 * @throws {ArgumentError} where the rows come from a stream, whose order is not theirs
 * @throws {NonFiniteError} naming a row that is not finite
 */
export function checkAlignment(alignment: Matrix, rows: Matrix | RowStream): void {
  if ("source" in rows) {
    throw new ArgumentError("rows from a stream cannot be aligned with a second embedding", {
      hint: "raise bufferRows to the number of rows, so that they are held in memory",
    });
  }
  if (alignment.rows !== rows.rows || alignment.cols === 0) {
    throw new ShapeError(
      `the alignment has ${alignment.rows} rows of ${alignment.cols} values for ${rows.rows} rows to train on`,
      { hint: "bring one vector for each row, in the same order, and fit without a sample" },
    );
  }
  checkFinite(alignment);
}

/** Some rows of the second embedding, of unit length each; zeros stay zeros. */
export function unitRowsAt({ data, cols }: Matrix, indices: Uint32Array | undefined): Matrix {
  const rows = indices?.length ?? data.length / cols;
  const unit = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const start = (indices?.[i] ?? i) * cols;
    let square = 0;
    for (let j = 0; j < cols; j++) square += data[start + j]! ** 2;
    const length = Math.sqrt(square) || 1;
    for (let j = 0; j < cols; j++) unit[i * cols + j] = data[start + j]! / length;
  }
  return { data: unit, rows, cols };
}

/**
 * The contrastive alignment of quantized latents q with unit rows e of a second embedding: the mean over rows of
 * −ln softmax_j(M q_i · e_j / τ)_i, times its weight, with the other rows of the batch as negatives (Wang et al.,
 * "Learnable item tokenization for generative recommendation", CIKM 2024, which has no temperature).
 *
 * @param q `[n, latent]`
 * @param e `[n, dimension of the second embedding]`
 * @returns losses `[n]`; gradient `[n, latent]`, with respect to q
 */
export function alignmentLoss(
  backend: DistributionBackend,
  q: Floats,
  e: Floats,
  map: AlignmentMap | undefined,
  settings: LossSettings,
): RowLosses {
  const mapped = map ? backend.linear(q, map.weight).output : q;
  const similarities = backend.linear(mapped, e).output;
  const { losses, gradient } = backend.contrastiveLoss(similarities, {
    scale: 1 / settings.alignmentTemperature,
    weight: settings.alignmentWeight / q.shape[0]!,
  });
  const ofMapped = backend.inputGradient(gradient, e);
  return {
    losses,
    gradient: map
      ? backend.linearGradients(q, map.weight, ofMapped, { weight: map.gradient })
      : ofMapped,
  };
}
