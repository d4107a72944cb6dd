import {
  ArgumentError,
  createQuantizers,
  type Quantizers,
  type Rows,
  split,
  type SplitSpec,
  vq,
  type VqSpec,
} from "@tessera/core";
import { vqPart } from "@tessera/vq";
import { fitCodebooks, type PqTraining } from "./codebooks.js";
import { splitPart } from "./part.js";
import type { PqModel } from "./pq-model.js";

/** Fits and loads `pq…`, and any other `split…` of `vq…`. */
export const quantizers: Quantizers = /* @__PURE__ */ createQuantizers([vqPart, splitPart]);

export interface FitPqOptions extends Omit<PqTraining, "beam"> {
  /** Number of groups M, 2 or more; it must divide the rows' width. */
  readonly groups: number;
  /** Number of codewords of every group K. Default 256: a byte for each group. */
  readonly codebookSize?: number | undefined;
  /**
   * Train on at most this many rows, drawn at random and held in memory. Default 256 · `codebookSize`; `Infinity` for all
   * rows, which of a stream are then read anew in each pass.
   */
  readonly sample?: number | undefined;
}

/**
 * Product quantization: `fitPq(rows, { groups: 16, codebookSize: 256 })` is the spec `pq16x256`.
 *
 * @param rows `[n, d]`, n ≥ `codebookSize` and d a multiple of `groups`; with `sample: Infinity` a stream must be one that
 *   can be read again
 * @throws {ArgumentError} for an option out of range, or fewer rows than codewords
 * @throws {ShapeError} if the rows do not divide into `groups`, naming numbers that would do
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitPq(rows: Rows, options: FitPqOptions): Promise<PqModel> {
  const { groups, codebookSize = 256, ...training } = options;
  if (groups === 1) {
    throw new ArgumentError("groups is 1; a product quantizer has 2 or more", {
      hint: "fitVq() of @tessera/vq fits a single codebook",
    });
  }
  const spec = split(groups, vq(codebookSize)) as SplitSpec & { readonly each: VqSpec };
  return fitCodebooks(spec.groups, spec.each.codebookSize, rows, training);
}
