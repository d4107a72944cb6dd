import type { AssignOptions } from "../backend.js";
import { bookShape, checkChoice, checkInteger, checkLevels, checkShape } from "../checks.js";
import type { BookShape } from "../checks.js";
import { ShapeError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { checkMatrix } from "./tensors.js";

export interface AssignExtents extends BookShape {
  readonly rows: number;
  readonly metric: "l2" | "ip";
}

export function checkAssign(
  x: Tensor,
  codebooks: Tensor,
  { metric = "l2" }: AssignOptions = {},
): AssignExtents {
  const shape = bookShape(codebooks);
  checkShape(x, "x", [undefined, shape.groups * shape.dimension]);
  checkChoice(metric, "metric", ["l2", "ip"]);
  return { ...shape, rows: x.shape[0]!, metric };
}

export function checkAssignTopK(
  x: Tensor,
  codebooks: Tensor,
  count: number,
  options: AssignOptions = {},
): AssignExtents {
  const extents = checkAssign(x, codebooks, options);
  checkInteger(count, "count", 1, Math.min(extents.codewords, 256));
  return extents;
}

export function checkBeamSearch(
  x: Tensor,
  codebooks: readonly Tensor[],
  beam: number,
): { readonly rows: number; readonly dimension: number } {
  const { rows, columns: dimension } = checkMatrix(x, "x");
  checkLevels(codebooks, dimension);
  checkInteger(beam, "beam", 1, 256);
  return { rows, dimension };
}

/** Rows of the result, n, and its width, g·d. */
export interface GatherExtents extends BookShape {
  readonly rows: number;
  readonly width: number;
}

export function checkGather(codebooks: Tensor, codes: Tensor): GatherExtents {
  const shape = bookShape(codebooks);
  checkShape(codes, "codes", [undefined, shape.groups]);
  return { ...shape, rows: codes.shape[0]!, width: shape.groups * shape.dimension };
}

export function checkResidual(
  x: Tensor,
  codebooks: Tensor,
  codes: Tensor,
  parents?: Tensor,
): GatherExtents {
  const shape = bookShape(codebooks);
  const width = shape.groups * shape.dimension;
  checkShape(x, "x", [undefined, width]);
  checkShape(codes, "codes", [parents ? undefined : x.shape[0], shape.groups]);
  const rows = codes.shape[0]!;
  if (parents) checkShape(parents, "parents", [rows]);
  return { ...shape, rows, width };
}

export interface ClusterExtents extends BookShape {
  readonly rows: number;
}

export function checkClusterSums(
  x: Tensor,
  codes: Tensor,
  codebookSize: number,
  weights?: Tensor,
): ClusterExtents {
  const { rows, columns } = checkMatrix(x, "x");
  checkShape(codes, "codes", [rows, undefined]);
  const groups = codes.shape[1]!;
  checkInteger(codebookSize, "codebookSize", 1, 2 ** 24);
  if (weights) checkShape(weights, "weights", [rows]);
  if (groups === 0 || columns % groups !== 0) {
    throw new ShapeError(`rows of ${columns} values do not divide into ${groups} groups of codes`, {
      hint: "x needs groups · dimension columns",
    });
  }
  return { rows, groups, codewords: codebookSize, dimension: columns / groups };
}
