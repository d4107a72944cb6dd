import { DisposedError } from "../errors.js";
import { bytesPerElement, disposeSymbol, sizeOf } from "../tensor.js";
import type { DType, Tensor, TypedArrays } from "../tensor.js";
import type { OwnedTensor } from "./tensor-holder.js";

/** What a tensor tells the backend that made it. */
export interface TensorOwner {
  forget(tensor: Tensor): void;
}

/** What tensors with common values hold together; it is freed when the last of them lets go. */
export interface SharedStorage {
  retain(): this;
  release(): void;
}

/**
 * A view of a storage: where its elements start, and their shape.
 *
 * @typeParam O the backend
 * @typeParam S its storage
 */
export abstract class DeviceTensor<
  D extends DType,
  O extends TensorOwner,
  S extends SharedStorage,
> implements OwnedTensor<D> {
  readonly owner: O;
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly size: number;
  /** Elements from the start of the storage. */
  readonly start: number;
  readonly #storage: S;
  #disposed = false;

  /** Takes over one hold on the storage. */
  constructor(owner: O, dtype: D, shape: readonly number[], storage: S, start: number) {
    this.owner = owner;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.size = sizeOf(shape);
    this.#storage = storage;
    this.start = start;
  }

  abstract read(): Promise<TypedArrays[D]>;

  get disposed(): boolean {
    return this.#disposed;
  }

  /** @throws {DisposedError} if the tensor no longer holds it */
  get storage(): S {
    if (this.#disposed) throw new DisposedError("a tensor");
    return this.#storage;
  }

  get bytes(): number {
    return this.size * bytesPerElement(this.dtype);
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
