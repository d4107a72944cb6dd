import { ArgumentError, checkDimension, type Codes, type Matrix, type Model } from "@tessera/core";
import { TransformedModel, type TransformModel } from "@tessera/transforms";
import type { Estimates } from "./estimate.js";
import { type EstimateOptions, RabitqModel } from "./model.js";

/**
 * Squared L2 distances of queries to rows, estimated from the rows' codes: unbiased over random rotations, each with the
 * bound of its error (Gao and Long 2024, section 3).
 *
 * With o and q after the transforms, ‖x − query‖² = ‖o‖² + ‖q‖² − 2⟨o, q⟩, of which the product alone is estimated.
 *
 * @param model of the spec `rabitq`, or another that has only center, normalize, rotation and hadamard before its
 *   `sign(estimator=rabitq)`
 * @param queries `[q, d]`
 * @param codes of n rows, made by this model
 * @throws {ArgumentError} if the model is no such model, or an option is out of range
 * @throws {NonFiniteError} naming a query that is not finite
 */
export async function estimateDistances(
  model: Model,
  queries: Matrix,
  codes: Codes,
  options: EstimateOptions = {},
): Promise<Estimates> {
  const { transforms, leaf } = open(model);
  checkDimension(model, queries);
  const turned = await applyAll(transforms, queries, options);
  const { estimates, bounds } = await leaf.estimate(turned, codes, options);
  const { norms } = leaf.factors(codes);
  for (let i = 0, at = 0; i < turned.rows; i++) {
    const square = dot(turned, i, turned, i);
    for (let r = 0; r < codes.rows; r++, at++) {
      estimates.data[at] = norms[r]! ** 2 + square - 2 * estimates.data[at]!;
      bounds.data[at] = 2 * bounds.data[at]!;
    }
  }
  return { estimates, bounds };
}

/**
 * Inner products of queries and rows, estimated as {@link estimateDistances} does: for the centre c that the model takes
 * away, ⟨x, query⟩ = ⟨x − c, query⟩ + ⟨c, query⟩, of which the first is estimated.
 *
 * @param model as for {@link estimateDistances}
 * @param queries `[q, d]`
 * @param codes of n rows, made by this model
 * @throws {ArgumentError} if the model is no such model, or an option is out of range
 * @throws {NonFiniteError} naming a query that is not finite
 */
export async function estimateInnerProducts(
  model: Model,
  queries: Matrix,
  codes: Codes,
  options: EstimateOptions = {},
): Promise<Estimates> {
  const { transforms, leaf } = open(model);
  checkDimension(model, queries);
  const zero = (dimension: number) => ({
    data: new Float32Array(dimension),
    rows: 1,
    cols: dimension,
  });
  // What the transforms do to differences: T(query) − T(0).
  const turned = await applyAll(transforms, queries, options);
  const origin = await applyAll(transforms, zero(model.dimension), options);
  const linear = { ...turned, data: turned.data.slice() };
  for (let at = 0; at < linear.data.length; at++) {
    linear.data[at] = linear.data[at]! - origin.data[at % linear.cols]!;
  }
  let centre: Matrix = zero(leaf.dimension);
  for (const transform of transforms.toReversed()) {
    centre = await transform.invert(centre, options);
  }
  const { estimates, bounds } = await leaf.estimate(linear, codes, options);
  for (let i = 0, at = 0; i < queries.rows; i++) {
    const ofCentre = dot(centre, 0, queries, i);
    for (let r = 0; r < codes.rows; r++, at++) {
      estimates.data[at] = estimates.data[at]! + ofCentre;
    }
  }
  return { estimates, bounds };
}

/** The transforms of a model, from the first on, and the leaf behind them. */
function open(model: Model): { transforms: TransformModel[]; leaf: RabitqModel } {
  const transforms: TransformModel[] = [];
  let inner = model;
  for (; inner instanceof TransformedModel; inner = inner.quantizer) {
    if (!inner.transform.isometric) {
      throw new ArgumentError(
        `the model has a ${inner.transform.spec.kind} before RaBitQ, which changes distances`,
        {
          hint: "transform the queries by it, and estimate with the model's quantizer",
        },
      );
    }
    transforms.push(inner.transform);
  }
  if (inner instanceof RabitqModel) return { transforms, leaf: inner };
  throw new ArgumentError(
    `a model of ${inner.spec.kind} has no estimates; RaBitQ's are of models that end in sign(estimator=rabitq)`,
    { hint: "fit one with fitRabitq(), or the spec rabitq" },
  );
}

async function applyAll(
  transforms: readonly TransformModel[],
  rows: Matrix,
  options: EstimateOptions,
): Promise<Matrix> {
  let transformed = rows;
  for (const transform of transforms) transformed = await transform.apply(transformed, options);
  return transformed;
}

/** ⟨row i of a, row j of b⟩ */
function dot(a: Matrix, i: number, b: Matrix, j: number): number {
  let sum = 0;
  for (let k = 0; k < a.cols; k++) sum += a.data[i * a.cols + k]! * b.data[j * b.cols + k]!;
  return sum;
}
