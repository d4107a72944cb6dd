import { ArgumentError, DisposedError, type DType, type Tensor } from "@tessera/core";
import { CpuTensor, type TensorOwner } from "./tensor.js";

export {
  type BookShape,
  bookShape,
  checkBits,
  checkChoice,
  checkExtents,
  checkInteger,
  checkLevels,
  checkShape,
} from "@tessera/core";

/** The argument as a live tensor of this backend with elements of the type that the kernel needs. */
export function own<D extends DType>(
  owner: TensorOwner,
  tensor: Tensor<D>,
  name: string,
  dtype: D,
): CpuTensor<D> {
  owner.device.checkAlive();
  if (!(tensor instanceof CpuTensor) || tensor.owner !== owner) {
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
  return tensor;
}

/** @throws {ArgumentError} unless the value is in `low..high`; NaN is not */
export function checkNumber(value: number, name: string, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw new ArgumentError(`${name} is ${value}; it must be from ${low} to ${high}`);
  }
}
