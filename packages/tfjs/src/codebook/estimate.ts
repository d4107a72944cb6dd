import {
  add,
  div,
  greaterEqual,
  logicalAnd,
  maximum,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  where,
} from "@tensorflow/tfjs-core";
import { ArgumentError } from "@tessera/core";
import { differentiable } from "../tape.js";
import { rowsOf } from "../tensors.js";
import { sumLevels } from "./levels.js";

/** How gradients pass the codes. */
export type Estimator = "straight-through" | "rotation";

/** Vectors below this length have no direction to turn from or to. */
const LEAST_LENGTH = 1e-6;

/** @throws {ArgumentError} if it is neither */
export function checkEstimator(estimator: unknown): void {
  if (estimator === "straight-through" || estimator === "rotation") return;
  throw new ArgumentError(`estimator is ${JSON.stringify(estimator)}`, {
    hint: "it may be straight-through or rotation",
  });
}

/** The codewords of `codes` in z's place, `[..., d]`: constant but for z, to which gradients pass as `estimator` says. */
export function passThrough(
  z: Tensor,
  codes: Tensor2D,
  codebooks: readonly Tensor2D[],
  estimator: Estimator,
): Tensor {
  return differentiable([z], () => {
    const quantized = sumLevels(codes, codebooks);
    const value = reshape(quantized, z.shape);
    if (estimator === "straight-through") {
      return { value, keep: [], gradient: (dy) => [dy.clone()] };
    }
    return {
      value,
      keep: [rowsOf(z), quantized],
      gradient: (dy, kept) => {
        const [rows, decoded] = kept as [Tensor2D, Tensor2D];
        return [reshape(rotateBack(rows, decoded, rowsOf(dy)), dy.shape)];
      },
    };
  });
}

/** λRᵀ · gradient, with λ = ‖q‖/‖z‖ and R the rotation from z to q in the plane of both. */
function rotateBack(z: Tensor2D, q: Tensor2D, gradient: Tensor2D): Tensor2D {
  const lengthOfZ = lengths(z);
  const lengthOfQ = lengths(q);
  const unitZ = div<Tensor2D>(z, atLeast(lengthOfZ));
  const unitQ = div<Tensor2D>(q, atLeast(lengthOfQ));
  const between = add<Tensor2D>(unitZ, unitQ);
  const lengthOfBetween = lengths(between);
  const r = div<Tensor2D>(between, atLeast(lengthOfBetween));
  const rotated = add(
    sub(gradient, mul(r, mul(2, dot(r, gradient)))),
    mul(unitZ, mul(2, dot(unitQ, gradient))),
  );
  const defined = logicalAnd(
    logicalAnd(greaterEqual(lengthOfZ, LEAST_LENGTH), greaterEqual(lengthOfQ, LEAST_LENGTH)),
    greaterEqual(lengthOfBetween, LEAST_LENGTH),
  );
  return where(defined, mul(rotated, div(lengthOfQ, atLeast(lengthOfZ))), gradient);
}

function lengths(rows: Tensor2D): Tensor2D {
  return sqrt(sum<Tensor2D>(square(rows), 1, true));
}

function atLeast(length: Tensor2D): Tensor2D {
  return maximum(length, LEAST_LENGTH);
}

function dot(a: Tensor2D, b: Tensor2D): Tensor2D {
  return sum(mul(a, b), 1, true);
}
