import {
  ArgumentError,
  createQuantizers,
  type FitOptions,
  type Quantizers,
  type Rows,
  sign,
  transformed,
  type TransformSpec,
} from "@tessera/core";
import { createTransformedPart, type TransformedModel, transformParts } from "@tessera/transforms";
import { itqPart } from "./itq.js";
import { signPart } from "./part.js";
import { keepNorms } from "./rabitq/kept-norms.js";

/** Fits and loads `sign…`, `itq…`, `rabitq…`, and transforms before them. */
export const quantizers: Quantizers = /* @__PURE__ */ createQuantizers([
  signPart,
  /* @__PURE__ */ keepNorms(/* @__PURE__ */ createTransformedPart([...transformParts, itqPart])),
]);

type Training = Pick<FitOptions, "backend" | "seed" | "sample" | "signal" | "onProgress">;

export interface FitItqOptions extends Training {
  /** Number of principal components, and so of bits; at most the width of the rows. */
  readonly dimension: number;
  /** Rounds of the alternation. Default 50. */
  readonly iterations?: number | undefined;
}

/**
 * Iterative quantization: `fitItq(rows, { dimension: 64 })` is the spec `itq64`, the signs of 64 principal components after
 * a rotation that is learned for them.
 *
 * @param rows `[n, d]`; a stream must be one that can be read again, unless `sample` is set
 * @throws {ArgumentError} for an option out of range
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitItq(rows: Rows, options: FitItqOptions): Promise<TransformedModel> {
  const { dimension, ...training } = options;
  const spec = transformed([{ kind: "pca", dimension }, { kind: "itq" }], sign());
  return (await quantizers.fit(spec, rows, training)) as TransformedModel;
}

export interface FitRabitqOptions extends Training {
  /** Bits per dimension, 1 to 9. Default 1. */
  readonly bits?: number | undefined;
  /**
   * `dense` draws any rotation, which the bounds are proven for; `hadamard` is faster in many dimensions, and rounds their
   * number up to a power of two. Default `dense`.
   */
  readonly rotation?: "dense" | "hadamard" | undefined;
}

/**
 * RaBitQ: `fitRabitq(rows)` is the spec `rabitq`; `estimateDistances` and `estimateInnerProducts` make use of its codes.
 *
 * @param rows `[n, d]`; a stream must be one that can be read again, unless `sample` is set
 * @throws {SpecError} for bits out of range, {@link ArgumentError} for a rotation that is none
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function fitRabitq(
  rows: Rows,
  options: FitRabitqOptions = {},
): Promise<TransformedModel> {
  const { bits = 1, rotation = "dense", ...training } = options;
  if (rotation !== "dense" && rotation !== "hadamard") {
    throw new ArgumentError(`rotation is "${String(rotation)}"; it must be dense or hadamard`);
  }
  const transforms: TransformSpec[] = [
    { kind: "center" },
    { kind: "normalize" },
    { kind: rotation === "dense" ? "rotation" : "hadamard" },
  ];
  const spec = transformed(transforms, sign({ bits, estimator: "rabitq" }));
  return (await quantizers.fit(spec, rows, training)) as TransformedModel;
}
