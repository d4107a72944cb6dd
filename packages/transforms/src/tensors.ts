import { FormatError, type HostTensor, type Matrix, ShapeError } from "@tessera/core";

/** A matrix as a tensor of a model file. */
export function matrixTensor({ data, rows, cols }: Matrix): HostTensor {
  return { dtype: "F32", shape: [rows, cols], data };
}

/** One row of values. */
export function rowOf(values: ArrayLike<number>): Matrix {
  return { data: Float32Array.from(values), rows: 1, cols: values.length };
}

/** @throws {ShapeError} if rows do not have the dimension that a transform takes */
export function checkCols(rows: Matrix, dimension: number): void {
  if (rows.cols !== dimension) {
    throw new ShapeError(`the rows have ${rows.cols} values; the transform takes ${dimension}`);
  }
}

/** Runs a constructor on tensors of a file, so that what it finds wrong is the file's fault. */
export function fromFile<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ShapeError) throw new FormatError(error.message, { cause: error });
    throw error;
  }
}
