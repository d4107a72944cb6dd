import {
  add,
  less,
  reshape,
  scalar,
  slice,
  stack,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  where,
} from "@tensorflow/tfjs-core";
import { ArgumentError, ShapeError } from "@tessera/core";
import { finiteRows } from "../tensors.js";
import { lookUp, nearest } from "./nearest.js";

/** @throws {ArgumentError | ShapeError} unless there are codebooks `[K, d]` of one d */
export function checkCodebooks(codebooks: readonly Tensor[]): void {
  if (codebooks.length === 0) throw new ArgumentError("there are no codebooks");
  const d = codebooks[0]!.shape.at(-1);
  codebooks.forEach(({ rank, shape, dtype }, level) => {
    const which = `codebook ${level + 1} of ${codebooks.length}`;
    if (rank !== 2 || dtype !== "float32" || shape[0] === 0) {
      throw new ShapeError(
        `${which} is [${shape.join(", ")}] of ${dtype}; it must be [K, d] of float32`,
      );
    }
    if (shape[1] !== d) {
      throw new ShapeError(`${which} has codewords of ${shape[1]} values, the first one of ${d}`);
    }
  });
}

/**
 * The codes of each level, from coarse to fine: each codes what the levels before it left over.
 *
 * @returns `[n, L]` of int32; −1 throughout a row that is not finite
 */
export function selectCodes(rows: Tensor2D, codebooks: readonly Tensor2D[]): Tensor2D {
  const finite = finiteRows(rows);
  const none = scalar(-1, "int32");
  let left = rows;
  const columns = codebooks.map((codebook, level) => {
    const codes = nearest(left, codebook);
    if (level + 1 < codebooks.length) left = sub(left, lookUp(codebook, codes));
    return where<Tensor>(finite, codes, none) as Tensor1D;
  });
  return stack<Tensor1D>(columns, 1) as Tensor2D;
}

/** The codes of one level, `[n]`. */
export function columnOf(codes: Tensor2D, level: number): Tensor1D {
  return reshape(slice(codes, [0, level], [codes.shape[0], 1]), [codes.shape[0]]);
}

/** The sum of the codewords of all levels, `[n, d]`; NaN where there is no code. */
export function sumLevels(codes: Tensor2D, codebooks: readonly Tensor2D[]): Tensor2D {
  let total: Tensor2D | undefined;
  codebooks.forEach((codebook, level) => {
    const part = lookUp(codebook, columnOf(codes, level));
    total = total ? add(total, part) : part;
  });
  const missing = less(slice(codes, [0, 0], [codes.shape[0], 1]), 0);
  return add(total!, where(missing, Number.NaN, 0));
}

/** What each level leaves over, `[n, d]` each. */
export function residualsOf(
  rows: Tensor2D,
  codes: Tensor2D,
  codebooks: readonly Tensor2D[],
): Tensor2D[] {
  let left = rows;
  return codebooks.map((codebook, level) => {
    left = sub(left, lookUp(codebook, columnOf(codes, level)));
    return left;
  });
}
