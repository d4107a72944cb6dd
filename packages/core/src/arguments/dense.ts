import type { MatmulOptions } from "../backend.js";
import { checkChoice, checkShape } from "../checks.js";
import type { Tensor } from "../tensor.js";
import { checkMatrix } from "./tensors.js";

/** `[rows, inner]` times `[inner, columns]`, once transposed. */
export interface ProductExtents {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

export interface MatmulExtents extends ProductExtents {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly activation: "none" | "relu";
}

export function checkMatmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): MatmulExtents {
  const { transposeA = false, transposeB = false, activation = "none", bias } = options;
  checkMatrix(a, "a");
  const rows = a.shape[transposeA ? 1 : 0]!;
  const inner = a.shape[transposeA ? 0 : 1]!;
  checkShape(b, "b", transposeB ? [undefined, inner] : [inner, undefined]);
  const columns = b.shape[transposeB ? 0 : 1]!;
  if (bias) checkShape(bias, "bias", [columns]);
  checkChoice(activation, "activation", ["none", "relu"]);
  return { rows, inner, columns, transposeA, transposeB, activation };
}

export function checkCombine(a: Tensor, b: Tensor): void {
  checkShape(b, "b", a.shape);
}

/** Rows to choose from, and the extents of the result. */
export function checkTake(
  x: Tensor,
  indices: Tensor,
): { readonly rows: number; readonly count: number; readonly width: number } {
  const { rows, columns: width } = checkMatrix(x, "x");
  checkShape(indices, "indices", [undefined]);
  return { rows, count: indices.size, width };
}
