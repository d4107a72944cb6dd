import {
  addN,
  mean,
  mul,
  reshape,
  type Scalar,
  square,
  type Tensor,
  type Tensor2D,
} from "@tensorflow/tfjs-core";
import { differentiable } from "../tape.js";
import { rowsOf } from "../tensors.js";
import { columnOf, residualsOf } from "./levels.js";
import { sumsByCode } from "./nearest.js";

/** Σ_l mean(‖sg[r_l] − e_l‖²), r_l being what came to level l and e_l its codeword: it pulls codewords towards rows. */
export function codebookLoss(z: Tensor, codes: Tensor2D, codebooks: readonly Tensor2D[]): Scalar {
  return differentiable(codebooks, () => {
    const left = residualsOf(rowsOf(z), codes, codebooks);
    return {
      value: meanSquares(left),
      keep: [codes, ...left],
      gradient: (dy, [keptCodes, ...kept]) =>
        kept.map((rows, level) => {
          const column = columnOf(keptCodes as Tensor2D, level);
          const sums = sumsByCode(rows as Tensor2D, column, codebooks[level]!.shape[0]);
          return mul(sums, mul(dy, -2 / rows.size));
        }),
    };
  });
}

/** Σ_l mean(‖r_l − sg[e_l]‖²): it keeps z near its codewords. The same number, and another gradient. */
export function commitmentLoss(z: Tensor, codes: Tensor2D, codebooks: readonly Tensor2D[]): Scalar {
  return differentiable([z], () => {
    const left = residualsOf(rowsOf(z), codes, codebooks);
    return {
      value: meanSquares(left),
      keep: [addN(left)],
      gradient: (dy, kept) => [reshape(mul(kept[0]!, mul(dy, 2 / z.size)), z.shape)],
    };
  });
}

/** The sum of losses, each with its weight. */
export function weightedSum(losses: readonly (readonly [Scalar, number])[]): Scalar {
  return differentiable(
    losses.map(([loss]) => loss),
    () => ({
      value: addN(losses.map(([loss, weight]) => mul<Scalar>(loss, weight))),
      keep: [],
      gradient: (dy) => losses.map(([, weight]) => mul(dy, weight)),
    }),
  );
}

function meanSquares(left: readonly Tensor2D[]): Scalar {
  return addN(left.map((rows) => mean<Scalar>(square(rows))));
}
