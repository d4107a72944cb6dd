import {
  abs,
  add,
  cast,
  div,
  expandDims,
  greater,
  less,
  lessEqual,
  mul,
  scalar,
  sub,
  sum,
  type Tensor,
  tensor1d,
  where,
} from "@tensorflow/tfjs-core";
import { ArgumentError, ShapeError } from "@tessera/core";
import { untracked } from "../tape.js";
import { MAX_FLOAT32 } from "../tensors.js";
import { centresOf, checkLevels, halvesOf, thresholdsOf } from "./bound.js";

/** The codes of each dimension, `[..., d]` of int32: how many thresholds z exceeds; −1 where it is not finite. */
export function scalarCodes(z: Tensor, levels: readonly number[]): Tensor {
  const exceeded = greater(expandDims(z, -1), thresholdsOf(levels));
  const codes = sum(cast(exceeded, "int32"), -1);
  return where(lessEqual(abs(z), MAX_FLOAT32), codes, scalar(-1, "int32"));
}

/** What codes stand for, within −1..1; NaN for −1. */
export function scalarValues(codes: Tensor, levels: readonly number[]): Tensor {
  const values = div(sub(cast(codes, "float32"), centresOf(levels)), halvesOf(levels));
  return add(values, where(less(codes, 0), Number.NaN, 0));
}

/**
 * What codes of `finiteScalarQuantize` stand for, and with levels of 2 those of `lookupFreeQuantize`:
 * (code − ⌊L/2⌋)/⌊L/2⌋, and −1 or 1 of two levels.
 *
 * @param codes `[..., d]` of int32
 * @param levels d of them, 2 to 256
 * @returns `[..., d]`, NaN for a code −1
 */
export function decodeScalars(codes: Tensor, levels: readonly number[]): Tensor {
  checkLevels(levels);
  checkColumns(codes, levels.length);
  return untracked(() => scalarValues(codes, levels));
}

/**
 * One index for the codes of a vector, Σ_j code_j · Π_{i<j} L_i: the first dimension is the least significant digit, as in
 * `fsqIndices` of `@tessera/vq`. It cannot be told from the index whether a code was −1.
 *
 * @param codes `[..., d]` of int32
 * @param levels d of them
 * @returns `[...]` of int32
 * @throws {ArgumentError} if the product of the levels is above 2³¹, which no index then fits
 */
export function fsqIndices(codes: Tensor, levels: readonly number[]): Tensor {
  checkLevels(levels);
  checkColumns(codes, levels.length);
  return weightedSum(codes, weightsOf(levels));
}

/**
 * One index for the signs of a vector, Σ_j bit_j · 2^(d−1−j): the first dimension is the most significant digit, as in
 * `lfqIndices` of `@tessera/vq`.
 *
 * @param codes `[..., d]` of int32, d ≤ 31
 * @returns `[...]` of int32
 */
export function lfqIndices(codes: Tensor): Tensor {
  const bits = codes.shape.at(-1) ?? 0;
  checkColumns(codes, bits);
  return weightedSum(codes, weightsOf(Array.from({ length: bits }, () => 2)).reverse());
}

function checkColumns({ shape, dtype, rank }: Tensor, columns: number): void {
  if (rank > 0 && shape.at(-1) === columns && columns > 0 && dtype === "int32") return;
  throw new ShapeError(
    `codes are [${shape.join(", ")}] of ${dtype}; they must be [..., ${columns || "d"}] of int32`,
  );
}

function weightsOf(levels: readonly number[]): number[] {
  let total = 1;
  const weights = levels.map((count) => {
    const weight = total;
    total *= count;
    return weight;
  });
  if (total > 2 ** 31) {
    throw new ArgumentError(`${levels.length} dimensions have more than 2^31 combinations`, {
      hint: "keep the codes apart, or take indices of some of them",
    });
  }
  return weights;
}

function weightedSum(codes: Tensor, weights: number[]): Tensor {
  return untracked(() => sum(mul(codes, tensor1d(weights, "int32")), -1));
}
