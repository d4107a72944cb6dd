import { allocate, bytesPerElement, sizeOf, type DType, type TypedArrays } from "@tessera/core";
import { DeviceTensor, type TensorOwner } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import type { Storage } from "./storage.js";

/** What a tensor needs of the backend that made it. */
interface GpuOwner extends TensorOwner {
  readonly device: Device;
}

export class GpuTensor<D extends DType = DType> extends DeviceTensor<D, GpuOwner, Storage> {
  /** Rows of it, for a launch while it lives: nothing holds their storage. */
  rows(first: number, end: number): GpuTensor<D> {
    const [, ...rest] = this.shape;
    const start = this.start + first * sizeOf(rest);
    return new GpuTensor(this.owner, this.dtype, [end - first, ...rest], this.storage, start);
  }

  /** Its values under another shape, likewise. */
  as(shape: readonly number[]): GpuTensor<D> {
    return new GpuTensor(this.owner, this.dtype, shape, this.storage, this.start);
  }

  async read(): Promise<TypedArrays[D]> {
    const { storage } = this;
    const values = allocate(this.dtype, this.size);
    await this.owner.device.read(storage, this.start * bytesPerElement(this.dtype), values);
    return values;
  }
}
