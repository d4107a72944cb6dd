import { type Matrix, Random } from "@tessera/core";
import type { InputScale } from "./collapse.js";
import { varianceOf } from "./health.js";
import { heldOutRows, type Plan } from "./plan.js";
import { type Standard, standardized, standardOf } from "./standardize.js";

/** Rows as a run takes them. */
export interface Input {
  readonly standard: Standard;
  /** Rows to train on, standardized. */
  readonly trained: Matrix;
  /** Which of the rows those are, in their order; all where it is left out. */
  readonly indices?: Uint32Array | undefined;
  /** Rows held out, standardized by what those trained on say. */
  readonly heldOut: Matrix | undefined;
  /** Mean over the rows trained on of their squared distance from their mean. */
  readonly variance: number;
  readonly scale: InputScale;
}

/** Holds rows out, drawn by the seed, and standardizes all by those that are left. */
export function prepareInput(rows: Matrix, plan: Plan): Input {
  const held = heldOutRows(rows.rows, plan);
  const order = new Random(plan.seed).stream("hold-out").permutation(rows.rows);
  const indices = held === 0 ? undefined : order.subarray(held);
  const own = indices ? pick(rows, indices) : rows;
  const standard = standardOf(own, plan.settings.standardize);
  const trained = standardized(own, standard);
  const variance = varianceOf(trained.data, trained.cols);
  return {
    standard,
    trained,
    indices,
    heldOut: held === 0 ? undefined : standardized(pick(rows, order.subarray(0, held)), standard),
    variance,
    scale: { variance: variance / trained.cols, offset: offsetOf(trained) },
  };
}

/** Mean over columns of the squared mean. */
function offsetOf({ data, rows, cols }: Matrix): number {
  const means = new Float64Array(cols);
  for (let i = 0; i < data.length; i++) means[i % cols]! += data[i]! / rows;
  return means.reduce((sum, mean) => sum + mean * mean, 0) / cols;
}

function pick({ data, cols }: Matrix, indices: Uint32Array): Matrix {
  const picked = new Float32Array(indices.length * cols);
  indices.forEach((row, i) => picked.set(data.subarray(row * cols, (row + 1) * cols), i * cols));
  return { data: picked, rows: indices.length, cols };
}
