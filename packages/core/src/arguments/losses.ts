import { checkChoice, checkInteger, checkShape } from "../checks.js";
import { ShapeError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import type { QuantizeOptions, ReconstructionOptions } from "../training.js";
import { checkMatrix } from "./tensors.js";

const LOSSES: readonly ReconstructionOptions["kind"][] = ["squared", "normalized", "cosine"];

export function checkReconstructionLoss(
  output: Tensor,
  target: Tensor,
  { kind }: ReconstructionOptions,
): { readonly rows: number; readonly columns: number } {
  const extents = checkMatrix(output, "output");
  checkShape(target, "target", output.shape);
  checkChoice(kind, "kind", LOSSES);
  return extents;
}

export interface QuantizeLevel {
  readonly codewords: number;
  readonly pullWeight: number;
  readonly sumWeight: number;
}

export interface QuantizeExtents {
  readonly rows: number;
  readonly groups: number;
  /** Of a group. */
  readonly dimension: number;
  /** Of a group, over all levels. */
  readonly codewords: number;
  readonly levels: readonly QuantizeLevel[];
}

export function checkQuantizeLevels(
  z: Tensor,
  codebooks: Tensor,
  sizes: readonly number[],
  { groups = 1, pullWeights, sums, sumWeights }: QuantizeOptions = {},
): QuantizeExtents {
  const { rows, columns } = checkMatrix(z, "z");
  const codewords = checkLevelSizes(sizes, groups, columns);
  checkSize(codebooks, "codebooks", codewords * columns);
  if (sums) checkSize(sums, "sums", codewords * columns);
  checkWeights(pullWeights, "pullWeights", sizes.length);
  checkWeights(sumWeights, "sumWeights", sizes.length);
  const levels = sizes.map((size, l) => ({
    codewords: size,
    pullWeight: pullWeights?.[l] ?? 1,
    sumWeight: sumWeights?.[l] ?? 1,
  }));
  return { rows, groups, dimension: columns / groups, codewords, levels };
}

export function checkRotateGradient(
  z: Tensor,
  quantized: Tensor,
  gradient: Tensor,
): { readonly rows: number; readonly columns: number } {
  const extents = checkMatrix(z, "z");
  checkShape(quantized, "quantized", z.shape);
  checkShape(gradient, "gradient", z.shape);
  return extents;
}

function checkSize(tensor: Tensor, name: string, size: number): void {
  if (tensor.size === size) return;
  throw new ShapeError(`${name} has ${tensor.size} values; this call needs ${size}`, {
    hint: "all levels' codewords lie one after another",
  });
}

function checkWeights(weights: readonly number[] | undefined, name: string, levels: number): void {
  if (weights === undefined || weights.length === levels) return;
  throw new ShapeError(`${name} has ${weights.length} weights for ${levels} levels`, {
    hint: "pass one weight for each level",
  });
}

/** The codewords of a group over all levels, once the extents are known to fit. */
function checkLevelSizes(sizes: readonly number[], groups: number, width: number): number {
  checkInteger(groups, "groups", 1, 2 ** 24);
  if (width === 0 || width % groups !== 0) {
    throw new ShapeError(`rows of ${width} values do not divide into ${groups} groups`, {
      hint: "z needs groups · dimension columns",
    });
  }
  if (sizes.length === 0) {
    throw new ShapeError("sizes is an empty list", { hint: "pass one for each level" });
  }
  sizes.forEach((size, l) => checkInteger(size, `sizes[${l}]`, 1, 2 ** 24));
  return sizes.reduce((sum, size) => sum + size, 0);
}
