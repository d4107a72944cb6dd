import type { DType, Tensor } from "@tessera/core";
import { checkTensor } from "@tessera/core/arguments";
import { CpuTensor, type TensorOwner } from "./tensor.js";

/** The argument as a live tensor of this backend with elements of the type that the kernel needs. */
export function own<D extends DType>(
  owner: TensorOwner,
  tensor: Tensor<D>,
  name: string,
  dtype: D,
): CpuTensor<D> {
  owner.device.checkAlive();
  checkTensor(tensor, isOwn(owner, tensor), name, dtype);
  return tensor as CpuTensor<D>;
}

function isOwn(owner: TensorOwner, tensor: Tensor): boolean {
  return tensor instanceof CpuTensor && tensor.owner === owner;
}
