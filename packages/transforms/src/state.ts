import { FormatError, type HostTensor, type Matrix, ShapeError } from "@tessera/core";

/** A matrix as a tensor of a model file. */
export function matrixTensor({ data, rows, cols }: Matrix): HostTensor {
  return { dtype: "F32", shape: [rows, cols], data };
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
