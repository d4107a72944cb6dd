import { checkChoice, checkExtents, checkInteger, checkShape } from "../checks.js";
import { ArgumentError, DisposedError, ShapeError } from "../errors.js";
import { dtypeOf, sizeOf } from "../tensor.js";
import type { DType, DTypeOf, Tensor, TensorData } from "../tensor.js";

/**
 * The argument must be a live tensor of the backend that is called, with elements of the type that the kernel needs.
 *
 * @param own whether the backend made it
 */
export function checkTensor(tensor: Tensor, own: boolean, name: string, dtype: DType): void {
  if (!own) {
    throw new ArgumentError(`${name} is not a tensor of this backend`, {
      hint: "read() it there and make it here with tensor()",
    });
  }
  if (tensor.disposed) throw new DisposedError(name);
  if (tensor.dtype !== dtype) {
    throw new ArgumentError(`${name} holds ${tensor.dtype} elements; this call needs ${dtype}`, {
      hint: `make it of values of type ${dtype}`,
    });
  }
}

/** Of `tensor` and `borrow`; returns the type of the elements. */
export function checkData<A extends TensorData>(data: A, shape: readonly number[]): DTypeOf<A> {
  const dtype = dtypeOf(data);
  if (dtype === undefined) {
    throw new ArgumentError("data is not of an element type that tensors have", {
      hint: "pass a Float32Array, Int32Array, Uint32Array or Uint8Array",
    });
  }
  checkExtents(shape);
  if (sizeOf(shape) !== data.length) {
    throw new ShapeError(`${data.length} values do not fill the shape [${shape.join(", ")}]`);
  }
  return dtype;
}

export function checkZeros(shape: readonly number[], dtype: DType): void {
  checkExtents(shape);
  checkChoice(dtype, "dtype", ["float32", "int32", "uint32", "uint8"]);
}

/** Returns the shape of the slice, and the elements before it. */
export function checkSlice(
  tensor: Tensor,
  start: number,
  end: number,
): { readonly shape: readonly number[]; readonly offset: number } {
  const [rows, ...rest] = tensor.shape;
  if (rows === undefined) {
    throw new ShapeError("a tensor without axes has no rows to slice", {
      hint: "reshape() it to [1] first",
    });
  }
  checkInteger(end, "end", 0, rows);
  checkInteger(start, "start", 0, end);
  return { shape: [end - start, ...rest], offset: start * sizeOf(rest) };
}

export function checkReshape(tensor: Tensor, shape: readonly number[]): void {
  checkExtents(shape);
  if (sizeOf(shape) !== tensor.size) {
    throw new ShapeError(
      `[${tensor.shape.join(", ")}] has ${tensor.size} values, which do not fill [${shape.join(", ")}]`,
    );
  }
}

const ANY_MATRIX = [undefined, undefined];

/** The extents of a matrix. */
export function checkMatrix(
  tensor: Tensor,
  name: string,
): { readonly rows: number; readonly columns: number } {
  checkShape(tensor, name, ANY_MATRIX);
  const { shape } = tensor;
  return { rows: shape[0]!, columns: shape[1]! };
}
