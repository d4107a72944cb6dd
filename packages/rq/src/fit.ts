import {
  ArgumentError,
  createQuantizers,
  type FitOptions,
  type Quantizers,
  residual,
  type Rows,
  vq,
} from "@tessera/core";
import { createVqPart, vqPart, type VqPartOptions } from "@tessera/vq";
import type { ResidualModel } from "./model.js";
import { residualPart } from "./part.js";

/** Fits and loads `vq…` and sums of them. */
export const quantizers: Quantizers = /* @__PURE__ */ createQuantizers([vqPart, residualPart]);

export interface FitRqOptions extends FitOptions {
  /** Number of levels, 2 or more. Default 3, or as many as `codebookSizes` has. */
  readonly levels?: number | undefined;
  /** Number of codewords of every level. Default 256. */
  readonly codebookSize?: number | undefined;
  /** Number of codewords of each level, from coarse to fine, in place of `levels` and `codebookSize`. */
  readonly codebookSizes?: readonly number[] | undefined;
  /** How the codebook of each level starts, as in `fitVq`. Default `k-means++`. */
  readonly init?: VqPartOptions["init"];
}

/**
 * Residual quantization of codebooks (RQ-KMeans): `fitRq(rows, { levels: 3, codebookSize: 256 })` is the spec
 * `rq3x256`.
 *
 * @param rows `[n, d]`, n at least the largest codebook's size; a stream must be one that can be read again, unless
 *   `sample` is set
 * @throws {ArgumentError} for an option out of range, or fewer rows than codewords, naming the level
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitRq(rows: Rows, options: FitRqOptions = {}): Promise<ResidualModel> {
  const { levels, codebookSize, codebookSizes, init, ...fitOptions } = options;
  if (
    codebookSizes &&
    (codebookSize !== undefined || (levels ?? codebookSizes.length) !== codebookSizes.length)
  ) {
    throw new ArgumentError(
      `codebookSizes gives ${codebookSizes.length} levels, and levels or codebookSize says otherwise`,
      { hint: "pass either codebookSizes, or levels and codebookSize" },
    );
  }
  const count = codebookSizes?.length ?? levels ?? 3;
  if (!Number.isInteger(count) || count < 2) {
    throw new ArgumentError(`levels is ${count}; a residual quantizer has 2 or more`, {
      hint: "fitVq() of @tessera/vq fits a single codebook",
    });
  }
  const sizes = codebookSizes ?? Array.from({ length: count }, () => codebookSize ?? 256);
  const spec = residual(...sizes.map((size) => vq(size)));
  const fitting =
    init === undefined ? quantizers : createQuantizers([createVqPart({ init }), residualPart]);
  return (await fitting.fit(spec, rows, fitOptions)) as ResidualModel;
}
