import {
  checkData,
  checkReshape,
  checkSlice,
  checkTensor,
  checkZeros,
} from "../arguments/index.js";
import type { BackendInfo } from "../backend.js";
import { TensorLedger } from "../ledger.js";
import { bytesPerElement } from "../tensor.js";
import type { DType, DTypeOf, Tensor, TensorData } from "../tensor.js";

/** A tensor that says who made it. */
export interface OwnedTensor<D extends DType = DType> extends Tensor<D> {
  /** The backend. */
  readonly owner: unknown;
}

/** A backend's tensors by the type of their elements: `{ [D in DType]: MyTensor<D> }`. */
export type TensorTypes = { readonly [D in DType]: OwnedTensor<D> };

/** One of them, of which TypeScript knows the type of the elements also where that is a variable. */
export type TensorOf<T extends TensorTypes, D extends DType> = T[D] & OwnedTensor<D>;

/**
 * The half of a backend that holds tensors. A backend says how one is made; this keeps account of them.
 *
 * @typeParam T the backend's tensors
 */
export abstract class TensorHolder<T extends TensorTypes> {
  abstract readonly info: BackendInfo;
  readonly #ledger = new TensorLedger();

  abstract sync(): Promise<void>;

  /** @throws {TesseraError} why nothing can run any more, such as that the backend is disposed */
  protected abstract checkAlive(): void;

  /** A tensor with a copy of host data. */
  protected abstract upload<D extends DType>(
    data: TensorData,
    dtype: D,
    shape: readonly number[],
  ): OwnedTensor<D>;

  /** A tensor with whatever values, for a kernel to write. */
  protected abstract allocate<D extends DType>(dtype: D, shape: readonly number[]): OwnedTensor<D>;

  /** A tensor that shares the storage of another, from its element `start` on. */
  protected abstract share<D extends DType>(
    whole: TensorOf<T, D>,
    shape: readonly number[],
    start: number,
  ): OwnedTensor<D>;

  /** Enqueues that all values of a new tensor become 0. */
  protected abstract clear<D extends DType>(tensor: TensorOf<T, D>): void;

  /** Stops the device for good. May be called again. */
  protected abstract stop(): void;

  tensor<A extends TensorData>(
    data: A,
    shape: readonly number[] = [data.length],
  ): Tensor<DTypeOf<A>> {
    this.checkAlive();
    const dtype = checkData(data, shape);
    return this.counted(this.upload(data, dtype, shape));
  }

  zeros<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    checkZeros(shape, dtype);
    this.checkAlive();
    return this.made(() => {
      const tensor = this.output(dtype, shape);
      this.clear(tensor);
      return tensor;
    });
  }

  slice<D extends DType>(tensor: Tensor<D>, start: number, end: number): Tensor<D> {
    const whole = this.own(tensor, "tensor", tensor.dtype);
    const { shape, offset } = checkSlice(whole, start, end);
    return this.view(whole, shape, offset);
  }

  reshape<D extends DType>(tensor: Tensor<D>, shape: readonly number[]): Tensor<D> {
    const whole = this.own(tensor, "tensor", tensor.dtype);
    checkReshape(whole, shape);
    return this.view(whole, shape, 0);
  }

  scope<R>(body: () => R): R {
    this.checkAlive();
    return this.#ledger.scope(body);
  }

  memory(): { tensors: number; bytes: number } {
    return this.#ledger.memory();
  }

  dispose(): void {
    this.stop();
    for (const tensor of this.#ledger.tensors) tensor.dispose();
  }

  /** To be told by each tensor once, when it is disposed. */
  forget(tensor: Tensor): void {
    this.#ledger.remove(tensor);
  }

  /** The argument as a live tensor of this backend with elements of the type that the kernel needs. */
  protected own<D extends DType>(tensor: Tensor<D>, name: string, dtype: D): TensorOf<T, D> {
    this.checkAlive();
    const maker = (tensor as Partial<OwnedTensor> | undefined)?.owner;
    checkTensor(tensor, maker === this, name, dtype);
    return tensor as TensorOf<T, D>;
  }

  /** What `make` returns; if it throws, such as for want of memory, the tensors made by then are freed. */
  protected made<R>(make: () => R): R {
    return this.#ledger.scope(make);
  }

  /** A tensor for a kernel to write. */
  protected output<D extends DType>(dtype: D, shape: readonly number[]): TensorOf<T, D> {
    return this.counted(this.allocate(dtype, shape));
  }

  protected view<D extends DType>(
    whole: TensorOf<T, D>,
    shape: readonly number[],
    start: number,
  ): TensorOf<T, D> {
    return this.counted(this.share(whole, shape, start), 0);
  }

  /** The new tensor, which from now on counts in `memory()`, with so many bytes of its own. */
  protected counted<D extends DType>(
    tensor: OwnedTensor<D>,
    bytes = tensor.size * bytesPerElement(tensor.dtype),
  ): TensorOf<T, D> {
    this.#ledger.add(tensor, bytes);
    return tensor as TensorOf<T, D>;
  }
}
