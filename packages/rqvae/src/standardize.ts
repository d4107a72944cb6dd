import type { Matrix } from "@tessera/core";
import type { NetworkSettings } from "./settings.js";

/** What rows are shifted and divided by: `(x − mean) / deviation`, column by column. */
export interface Standard {
  /** `[1, d]` */
  readonly mean: Matrix;
  /** `[1, d]`, above 0 */
  readonly deviation: Matrix;
}

/** Means and deviations of the rows, summed in float64. A column without variance is not divided. */
export function standardOf(
  { data, rows, cols }: Matrix,
  kind: NetworkSettings["standardize"],
): Standard {
  const mean = new Float64Array(cols);
  const squares = new Float64Array(cols);
  if (kind !== "none") {
    for (let i = 0; i < data.length; i++) mean[i % cols]! += data[i]! / rows;
    for (let i = 0; i < data.length; i++)
      squares[i % cols]! += (data[i]! - mean[i % cols]!) ** 2 / rows;
  } else squares.fill(1);
  const all = squares.reduce((sum, value) => sum + value, 0) / cols;
  const variances = kind === "columns" ? squares : squares.map(() => all);
  const row = (values: Float64Array): Matrix => ({
    data: Float32Array.from(values),
    rows: 1,
    cols,
  });
  return {
    mean: row(mean),
    deviation: row(variances.map((variance) => Math.sqrt(variance) || 1)),
  };
}

export function standardized({ data, ...shape }: Matrix, { mean, deviation }: Standard): Matrix {
  const { cols } = shape;
  return {
    data: data.map((value, i) => (value - mean.data[i % cols]!) / deviation.data[i % cols]!),
    ...shape,
  };
}

export function unstandardized({ data, ...shape }: Matrix, { mean, deviation }: Standard): Matrix {
  const { cols } = shape;
  return {
    data: data.map((value, i) => value * deviation.data[i % cols]! + mean.data[i % cols]!),
    ...shape,
  };
}
