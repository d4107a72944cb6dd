import {
  allocate,
  bytesPerElement,
  DisposedError,
  disposeSymbol,
  sizeOf,
  type DType,
  type Tensor,
  type TypedArrays,
} from "@tessera/core";
import type { Device } from "./device.js";
import type { Storage } from "./storage.js";

/** What a tensor needs of the backend that made it. */
export interface TensorOwner {
  readonly device: Device;
  forget(tensor: Tensor): void;
}

/** A view of a storage: where its elements start, and their shape. */
export class GpuTensor<D extends DType = DType> implements Tensor<D> {
  readonly owner: TensorOwner;
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly size: number;
  /** Elements from the start of the storage. */
  readonly start: number;
  readonly #storage: Storage;
  #disposed = false;

  /** Takes over one hold on the storage. */
  constructor(
    owner: TensorOwner,
    dtype: D,
    shape: readonly number[],
    storage: Storage,
    start: number,
  ) {
    this.owner = owner;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.size = sizeOf(shape);
    this.#storage = storage;
    this.start = start;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  get storage(): Storage {
    if (this.#disposed) throw new DisposedError("a tensor");
    return this.#storage;
  }

  get bytes(): number {
    return this.size * bytesPerElement(this.dtype);
  }

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

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.owner.forget(this);
    this.#storage.release();
  }

  [disposeSymbol](): void {
    this.dispose();
  }
}
