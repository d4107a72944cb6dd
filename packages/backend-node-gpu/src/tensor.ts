import {
  DisposedError,
  disposeSymbol,
  sizeOf,
  type DType,
  type Tensor,
  type TypedArrays,
} from "@tessera/core";
import { type ElementType, TYPE } from "./addon.js";
import type { Engine, Node } from "./engine.js";
import type { Storage } from "./storage.js";

/** TensorFlow's type for each of ours: it has few operations on uint32, and here there are none. */
export const STORED_AS: { readonly [D in DType]: ElementType } = {
  float32: TYPE.float32,
  int32: TYPE.int32,
  uint32: TYPE.int32,
  uint8: TYPE.uint8,
};

/** What a tensor needs of the backend that made it. */
export interface TensorOwner {
  readonly engine: Engine;
  readonly disposed: boolean;
  forget(tensor: Tensor): void;
}

/** A view of a storage: where its elements start, and their shape. */
export class EagerTensor<D extends DType = DType> implements Tensor<D> {
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

  /**
   * The values in this shape; to be called in a frame.
   *
   * @throws what is wrong with them, if anything is
   */
  get node(): Node {
    const values = this.storage.read(this.start, this.start + this.size);
    return this.owner.engine.reshape(values, this.shape);
  }

  async read(): Promise<TypedArrays[D]> {
    const { fault } = this.storage;
    // Taken now, since kernels called later may write in place.
    const values = fault ? undefined : this.#values();
    // What a device would do in a later turn; it leaves time for the backend to be disposed.
    await undefined;
    if (this.owner.disposed) throw new DisposedError("the backend");
    if (fault) throw fault;
    return values!;
  }

  #values(): TypedArrays[D] {
    const { engine } = this.owner;
    let values: unknown;
    engine.frame(() => {
      const { node } = this;
      // The addon gives no bytes to the host.
      values = engine.download(this.dtype === "uint8" ? engine.cast(node, TYPE.int32) : node);
      return [];
    });
    if (this.dtype === "uint8") values = Uint8Array.from(values as Int32Array);
    if (this.dtype === "uint32") values = new Uint32Array((values as Int32Array).buffer);
    return values as TypedArrays[D];
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
