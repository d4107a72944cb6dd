import {
  DisposedError,
  disposeSymbol,
  sizeOf,
  type DType,
  type Tensor,
  type TesseraError,
  type TypedArrays,
} from "@tessera/core";

/** Values of a tensor, shared by its slices and reshapes, or the error that kept them from being computed. */
export type Content<D extends DType> =
  | { readonly values: TypedArrays[D]; readonly fault?: never }
  | { readonly fault: TesseraError; readonly values?: never };

/** Why storages that kernels wrote in place are at fault: every view of one has its buffer. */
const spoiled = new WeakMap<ArrayBufferLike, TesseraError>();

/** Sets values in place, or puts what they share storage with at fault. */
export function overwrite<D extends DType>(
  target: Content<D>,
  result: { readonly value: ArrayLike<number> } | { readonly fault: TesseraError },
): void {
  if (target.fault) return;
  if ("fault" in result) spoiled.set(target.values.buffer, result.fault);
  else target.values.set(result.value);
}

/** What a tensor needs of the backend that made it. */
export interface TensorOwner {
  readonly disposed: boolean;
  release(tensor: Tensor): void;
}

/** A tensor whose values lie on the host. */
export class ReferenceTensor<D extends DType> implements Tensor<D> {
  readonly owner: TensorOwner;
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly size: number;
  #content: Content<D> | undefined;

  constructor(owner: TensorOwner, dtype: D, shape: readonly number[], content: Content<D>) {
    this.owner = owner;
    this.dtype = dtype;
    this.shape = [...shape];
    this.size = sizeOf(shape);
    this.#content = content;
  }

  get disposed(): boolean {
    return this.#content === undefined;
  }

  /** @throws {DisposedError} if the tensor has been disposed */
  get content(): Content<D> {
    if (this.#content === undefined) throw new DisposedError("a tensor");
    const fault = this.#content.values && spoiled.get(this.#content.values.buffer);
    return fault ? { fault } : this.#content;
  }

  async read(): Promise<TypedArrays[D]> {
    const { values, fault } = this.content;
    // A device would answer in a later turn; so does this, which leaves time for the backend to be disposed.
    await undefined;
    if (this.owner.disposed) throw new DisposedError("the backend");
    if (fault) throw fault;
    return values.slice() as TypedArrays[D];
  }

  dispose(): void {
    if (this.#content === undefined) return;
    this.#content = undefined;
    this.owner.release(this);
  }

  [disposeSymbol](): void {
    this.dispose();
  }
}
