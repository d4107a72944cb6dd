import { type Matrix, type Model, type ComputeBackend } from "@tessera/core";
import { TransformedModel, type TransformModel } from "@tessera/transforms";
import { dotOf, type Metric, unitRows } from "./metric.js";

/**
 * Where distances are computed: behind the transforms that keep them, so that codes need not be transformed back. Queries
 * are transformed instead.
 */
export interface SearchSpace {
  readonly transforms: readonly TransformModel[];
  /** What quantizes the rows there. */
  readonly leaf: Model;
}

/** Queries in the search space. */
export interface SpaceQueries {
  readonly rows: Matrix;
  /** `[queries]`: what a distance there lacks to the one sought. */
  readonly constants: Float64Array;
}

export interface SpaceOptions {
  readonly backend?: ComputeBackend | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The innermost space that all transforms up to it keep distances to. */
export function openSpace(model: Model): SearchSpace {
  const transforms: TransformModel[] = [];
  let leaf = model;
  while (leaf instanceof TransformedModel && queriesUnder(leaf.transform) !== undefined) {
    transforms.push(leaf.transform);
    leaf = leaf.quantizer;
  }
  return { transforms, leaf };
}

/** Whether the transforms map the origin to itself, so that angles are kept as well as distances. */
export async function keepsOrigin(space: SearchSpace, options: SpaceOptions): Promise<boolean> {
  for (const transform of space.transforms) {
    const origin = await originOf(transform, options);
    if (origin.data.some((value) => value !== 0)) return false;
  }
  return true;
}

/**
 * Queries for a search space. With x = x₀ + A·y for what the codes decode to there (y) and after all (x), where A keeps
 * lengths, ‖q − x‖² = ‖Aᵀ(q − x₀) − y‖² + ‖q − x₀‖² − ‖Aᵀ(q − x₀)‖² and ⟨q, x⟩ = ⟨q, x₀⟩ + ⟨Aᵀq, y⟩, one transform after
 * another. Under `cosine` queries get unit length first, and what is left is an inner product.
 */
export async function mapQueries(
  space: SearchSpace,
  queries: Matrix,
  metric: Metric,
  options: SpaceOptions,
): Promise<SpaceQueries> {
  let rows = metric === "cosine" ? unitRows(queries) : queries;
  const constants = new Float64Array(rows.rows);
  for (const transform of space.transforms) {
    if (queriesUnder(transform) === "keep") continue;
    const origin = await originOf(transform, options);
    const applied = await transform.apply(rows, options);
    if (metric === "l2") {
      if (!transform.isometric) {
        for (let i = 0; i < rows.rows; i++) {
          constants[i]! += squareOf(rows, i, origin.data) - squareOf(applied, i);
        }
      }
      rows = applied;
    } else {
      for (let i = 0; i < rows.rows; i++) {
        constants[i]! -= dotOf(rows.data, i * rows.cols, origin.data, 0, rows.cols);
      }
      rows = difference(applied, await transform.apply(zero(transform.inputDimension), options));
    }
  }
  return { rows, constants };
}

function queriesUnder(transform: TransformModel): "apply" | "keep" | undefined {
  return transform.queries ?? (transform.isometric ? "apply" : undefined);
}

/** x₀, which the transform's inverse makes of zeros. */
function originOf(transform: TransformModel, options: SpaceOptions): Promise<Matrix> {
  return transform.invert(zero(transform.outputDimension), options);
}

function zero(cols: number): Matrix {
  return { data: new Float32Array(cols), rows: 1, cols };
}

function squareOf({ data, cols }: Matrix, row: number, from?: Float32Array): number {
  let sum = 0;
  for (let j = 0; j < cols; j++) sum += (data[row * cols + j]! - (from?.[j] ?? 0)) ** 2;
  return sum;
}

function difference({ data, rows, cols }: Matrix, row: Matrix): Matrix {
  return { data: data.map((value, at) => value - row.data[at % cols]!), rows, cols };
}
