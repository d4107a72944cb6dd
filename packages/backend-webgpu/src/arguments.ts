import { ArgumentError, DisposedError, type DType, type Tensor } from "@tessera/core";
import { GpuTensor, type TensorOwner } from "./tensor.js";

/** The argument as a live tensor of this backend with elements of the type that the kernel needs. */
export function own<D extends DType>(
  owner: TensorOwner,
  tensor: Tensor<D>,
  name: string,
  dtype: D,
): GpuTensor<D> {
  owner.device.checkAlive();
  if (!(tensor instanceof GpuTensor) || tensor.owner !== owner) {
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
