import { allocate, bytesPerElement, type DType, type TypedArrays } from "@tessera/core";
import { DeviceTensor, type TensorOwner } from "@tessera/core/authoring";
import type { Device, Storage } from "./device.js";

/** What a tensor needs of the backend that made it. */
interface CpuOwner extends TensorOwner {
  readonly device: Device;
}

export class CpuTensor<D extends DType = DType> extends DeviceTensor<D, CpuOwner, Storage> {
  /** Bytes from the start of the storage; kept, since every launch asks for several addresses. */
  readonly #offset = this.start * bytesPerElement(this.dtype);

  /** Address of the first element. */
  get address(): number {
    return this.storage.address + this.#offset;
  }

  async read(): Promise<TypedArrays[D]> {
    const { storage } = this;
    const { device } = this.owner;
    device.checkAlive();
    const values = allocate(this.dtype, this.size);
    await device.read(storage, this.#offset, values);
    return values;
  }
}
