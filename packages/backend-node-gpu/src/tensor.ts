import { DisposedError, type DType, type TypedArrays } from "@tessera/core";
import { DeviceTensor, type TensorOwner } from "@tessera/core/authoring";
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
export interface EagerOwner extends TensorOwner {
  readonly engine: Engine;
  readonly disposed: boolean;
}

export class EagerTensor<D extends DType = DType> extends DeviceTensor<D, EagerOwner, Storage> {
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
}
