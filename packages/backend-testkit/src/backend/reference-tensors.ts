import {
  allocate,
  ArgumentError,
  bytesPerElement,
  DisposedError,
  dtypeOf,
  ShapeError,
  sizeOf,
  TensorLedger,
  type DType,
  type DTypeOf,
  type Tensor,
  type TensorData,
  type TypedArrays,
} from "@tessera/core";
import { checkChoice, checkExtents, checkInteger } from "./arguments.js";
import { ReferenceTensor, type Content, type TensorOwner } from "./reference-tensor.js";

/** The half of the reference backend that holds tensors; its kernels are in `ReferenceBackend`. */
export class ReferenceTensors implements TensorOwner {
  readonly #ledger = new TensorLedger();
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  release(tensor: Tensor): void {
    this.#ledger.remove(tensor);
  }

  borrow<A extends TensorData>(data: A, shape?: readonly number[]): Tensor<DTypeOf<A>> {
    return this.tensor(data, shape);
  }

  tensor<A extends TensorData>(
    data: A,
    shape: readonly number[] = [data.length],
  ): Tensor<DTypeOf<A>> {
    const dtype = dtypeOf(data);
    if (dtype === undefined) {
      throw new ArgumentError("data is not of an element type that tensors have", {
        hint: "pass a Float32Array, Int32Array, Uint32Array or Uint8Array",
      });
    }
    checkExtents(shape);
    if (sizeOf(shape) !== data.length) {
      throw new ShapeError(`${data.length} values do not fill the shape [${shape.join(", ")}]`, {
        hint: "the product of the extents must equal the number of values",
      });
    }
    return this.create<DType>(dtype, shape, { values: data.slice() }) as Tensor<DTypeOf<A>>;
  }

  zeros<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    checkExtents(shape);
    checkChoice(dtype, "dtype", ["float32", "int32", "uint32", "uint8"]);
    return this.create(dtype, shape, { values: allocate(dtype, sizeOf(shape)) });
  }

  slice<D extends DType>(tensor: Tensor<D>, start: number, end: number): Tensor<D> {
    const { values, fault } = this.content(tensor, "tensor", tensor.dtype);
    const [rows, ...rest] = tensor.shape;
    if (rows === undefined) {
      throw new ShapeError("a tensor without axes has no rows to slice", {
        hint: "reshape() it to [1] first",
      });
    }
    checkInteger(end, "end", 0, rows);
    checkInteger(start, "start", 0, end);
    const width = sizeOf(rest);
    const content: Content<D> = fault
      ? { fault }
      : { values: values.subarray(start * width, end * width) as TypedArrays[D] };
    return this.create(tensor.dtype, [end - start, ...rest], content, true);
  }

  reshape<D extends DType>(tensor: Tensor<D>, shape: readonly number[]): Tensor<D> {
    const content = this.content(tensor, "tensor", tensor.dtype);
    checkExtents(shape);
    if (sizeOf(shape) !== tensor.size) {
      throw new ShapeError(
        `${tensor.size} values, [${tensor.shape.join(", ")}], do not fill [${shape.join(", ")}]`,
        { hint: "the product of the extents must stay the same" },
      );
    }
    return this.create(tensor.dtype, shape, content, true);
  }

  scope<T>(body: () => T): T {
    this.#checkAlive();
    return this.#ledger.scope(body);
  }

  memory(): { tensors: number; bytes: number } {
    return this.#ledger.memory();
  }

  async sync(): Promise<void> {
    this.#checkAlive();
  }

  dispose(): void {
    this.#disposed = true;
    for (const tensor of this.#ledger.tensors) tensor.dispose();
  }

  #checkAlive(): void {
    if (this.#disposed) throw new DisposedError("the backend");
  }

  /** The content of an argument, once it is known to be a live tensor of this backend and of the right type. */
  protected content<D extends DType>(tensor: Tensor<D>, name: string, dtype: D): Content<D> {
    this.#checkAlive();
    if (!(tensor instanceof ReferenceTensor) || tensor.owner !== this) {
      throw new ArgumentError(`${name} is not a tensor of this backend`, {
        hint: "read() it and make a tensor of the values with backend.tensor()",
      });
    }
    if (tensor.disposed) throw new DisposedError(name);
    if (tensor.dtype !== dtype) {
      throw new ArgumentError(`${name} is of type ${tensor.dtype}; this call needs ${dtype}`, {
        hint: `make it from a typed array of type ${dtype}`,
      });
    }
    return tensor.content as Content<D>;
  }

  protected create<D extends DType>(
    dtype: D,
    shape: readonly number[],
    content: Content<D>,
    shared = false,
  ): Tensor<D> {
    this.#checkAlive();
    const tensor = new ReferenceTensor(this, dtype, shape, content);
    this.#ledger.add(tensor, shared ? 0 : tensor.size * bytesPerElement(dtype));
    return tensor;
  }
}
