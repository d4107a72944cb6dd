import type { ScalarEncodeOptions, ScalarOptions } from "../backend.js";
import { checkBits, checkInteger, checkShape } from "../checks.js";
import type { Tensor } from "../tensor.js";
import { checkMatrix } from "./tensors.js";

export interface ScalarExtents {
  readonly rows: number;
  readonly dimension: number;
  readonly bits: number;
  /** Bytes of a row's codes. */
  readonly width: number;
}

export function checkScalarEncode(
  x: Tensor,
  lower: Tensor,
  step: Tensor,
  { bits = 8, levels = 2 ** bits }: ScalarEncodeOptions = {},
): ScalarExtents & { readonly levels: number } {
  const { rows, columns } = checkMatrix(x, "x");
  checkShape(lower, "lower", [columns]);
  checkShape(step, "step", [columns]);
  checkBits(bits);
  checkInteger(levels, "levels", 2, 2 ** bits);
  return { ...scalarExtents(rows, columns, bits), levels };
}

export function checkScalarDecode(
  codes: Tensor,
  lower: Tensor,
  step: Tensor,
  { bits = 8 }: ScalarOptions = {},
): ScalarExtents {
  checkShape(lower, "lower", [undefined]);
  checkShape(step, "step", lower.shape);
  checkBits(bits);
  const { width } = scalarExtents(0, lower.size, bits);
  checkShape(codes, "codes", [undefined, width]);
  return scalarExtents(codes.shape[0]!, lower.size, bits);
}

export function checkThresholdEncode(
  x: Tensor,
  thresholds: Tensor,
  { bits = 8 }: ScalarOptions = {},
): ScalarExtents {
  const { rows, columns } = checkMatrix(x, "x");
  checkShape(thresholds, "thresholds", [undefined, columns]);
  checkBits(bits);
  checkInteger(thresholds.shape[0]!, "the number of thresholds", 1, 2 ** bits - 1);
  return scalarExtents(rows, columns, bits);
}

export function checkPackSigns(x: Tensor, thresholds?: Tensor): ScalarExtents {
  const { rows, columns } = checkMatrix(x, "x");
  if (thresholds) checkShape(thresholds, "thresholds", [columns]);
  return scalarExtents(rows, columns, 1);
}

function scalarExtents(rows: number, dimension: number, bits: number): ScalarExtents {
  return { rows, dimension, bits, width: Math.ceil((dimension * bits) / 8) };
}
