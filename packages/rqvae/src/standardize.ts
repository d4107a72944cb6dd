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
  for (let i = 0; i < data.length; i++) mean[i % cols]! += data[i]! / rows;
  for (let i = 0; i < data.length; i++)
    squares[i % cols]! += (data[i]! - mean[i % cols]!) ** 2 / rows;
  return standardFrom(mean, squares, kind);
}

/** By the means and variances of columns. */
export function standardFrom(
  mean: Float64Array,
  variance: Float64Array,
  kind: NetworkSettings["standardize"],
): Standard {
  const cols = mean.length;
  if (kind === "none")
    return standardFrom(
      mean.map(() => 0),
      variance.map(() => 1),
      "columns",
    );
  const all = variance.reduce((sum, value) => sum + value, 0) / cols;
  const variances = kind === "columns" ? variance : variance.map(() => all);
  const row = (values: Float64Array): Matrix => ({
    data: Float32Array.from(values),
    rows: 1,
    cols,
  });
  return {
    mean: row(mean),
    deviation: row(variances.map((value) => Math.sqrt(value) || 1)),
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
