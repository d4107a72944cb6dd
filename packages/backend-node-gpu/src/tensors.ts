import {
  allocate,
  BackendError,
  bytesPerElement,
  DisposedError,
  sizeOf,
  TensorLedger,
  TesseraError,
  type DType,
  type DTypeOf,
  type Tensor,
  type TensorData,
} from "@tessera/core";
import {
  checkData,
  checkReshape,
  checkSlice,
  checkTensor,
  checkZeros,
} from "@tessera/core/arguments";
import type { HostArray } from "./addon.js";
import type { Engine, Node } from "./engine.js";
import type { TensorflowInfo } from "./info.js";
import type { Workspace } from "./kernels/workspace.js";
import { Storage } from "./storage.js";
import { EagerTensor, STORED_AS, type TensorOwner } from "./tensor.js";

/** The half of the backend that holds tensors. */
export class EagerTensors implements TensorOwner {
  readonly info: TensorflowInfo;
  readonly engine: Engine;
  protected readonly work: Workspace;
  readonly #ledger = new TensorLedger();
  #disposed = false;

  constructor(work: Workspace, info: TensorflowInfo) {
    this.work = work;
    this.engine = work.engine;
    this.info = info;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  tensor<A extends TensorData>(
    data: A,
    shape: readonly number[] = [data.length],
  ): Tensor<DTypeOf<A>> {
    this.#checkAlive();
    const dtype = checkData(data, shape);
    return this.#upload(dtype, shape, data.slice());
  }

  zeros<D extends DType>(shape: readonly number[], dtype: D): Tensor<D> {
    this.#checkAlive();
    checkZeros(shape, dtype);
    return this.#upload(dtype, shape, allocate(dtype, sizeOf(shape)));
  }

  slice<D extends DType>(tensor: Tensor<D>, start: number, end: number): Tensor<D> {
    const whole = this.own(tensor, "tensor", tensor.dtype);
    const { shape, offset } = checkSlice(whole, start, end);
    return this.#view(whole, shape, whole.start + offset);
  }

  reshape<D extends DType>(tensor: Tensor<D>, shape: readonly number[]): Tensor<D> {
    const whole = this.own(tensor, "tensor", tensor.dtype);
    checkReshape(whole, shape);
    return this.#view(whole, shape, whole.start);
  }

  scope<T>(body: () => T): T {
    this.#checkAlive();
    return this.#ledger.scope(body);
  }

  memory(): { tensors: number; bytes: number } {
    return this.#ledger.memory();
  }

  /** TensorFlow's eager operations have run when they return, or are in the order of the device. */
  async sync(): Promise<void> {
    this.#checkAlive();
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const tensor of this.#ledger.tensors) tensor.dispose();
    this.engine.dispose();
  }

  forget(tensor: Tensor): void {
    this.#ledger.remove(tensor);
  }

  /** The argument as a live tensor of this backend with elements of the type that the kernel needs. */
  protected own<D extends DType>(tensor: Tensor<D>, name: string, dtype: D): EagerTensor<D> {
    this.#checkAlive();
    const own = tensor instanceof EagerTensor && tensor.owner === this;
    checkTensor(tensor, own, name, dtype);
    return tensor as EagerTensor<D>;
  }

  /**
   * Runs a kernel: `body` makes a node for each of the results named. If it throws what is wrong with the data, or an input
   * is at fault already, the results are.
   *
   * @param results element type and shape by name
   */
  protected launch<R extends Record<string, Result>>(
    results: R,
    body: () => { readonly [K in keyof R]: Node },
  ): { [K in keyof R]: Tensor<R[K][0]> } {
    const names: readonly (keyof R & string)[] = Object.keys(results);
    for (const [dtype, shape] of Object.values(results)) this.#checkSize(dtype, shape);
    const outcome = this.#attempt(() => {
      const nodes = body();
      return names.map((name) => nodes[name]);
    });
    const made = names.map((name, i): [string, Tensor] => {
      const [dtype, shape] = results[name]!;
      return [name, this.#create(dtype, shape, outcome instanceof Error ? outcome : outcome[i]!)];
    });
    return Object.fromEntries(made) as { [K in keyof R]: Tensor<R[K][0]> };
  }

  /** Like {@link launch}, for a kernel that writes in place: `body` makes a node for each target. */
  protected overwrite(targets: readonly EagerTensor[], body: () => readonly Node[]): void {
    const outcome = this.#attempt(body);
    targets.forEach(({ storage, start }, i) => {
      if (outcome instanceof Error) storage.spoil(outcome);
      else storage.write(start, outcome[i]!);
    });
  }

  /** What `body` computes, or what is wrong with the data. Other errors pass. */
  #attempt(body: () => readonly Node[]): readonly Node[] | TesseraError {
    try {
      return this.engine.frame(() => body().map((node) => this.engine.owned(node)));
    } catch (error) {
      if (!(error instanceof TesseraError) || error instanceof BackendError) throw error;
      return error;
    }
  }

  #checkAlive(): void {
    if (this.#disposed) throw new DisposedError("the backend");
  }

  #checkSize(dtype: DType, shape: readonly number[]): void {
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    if (bytes > this.info.maxTensorBytes) {
      throw new BackendError(
        `a tensor [${shape.join(", ")}] of ${bytes} bytes is larger than the ${this.info.maxTensorBytes} of this backend`,
        { hint: "pass fewer rows at a time" },
      );
    }
  }

  /** A tensor over an array of its own. */
  #upload<D extends DType>(dtype: D, shape: readonly number[], data: TensorData): Tensor<D> {
    this.#checkSize(dtype, shape);
    const values = data instanceof Uint32Array ? new Int32Array(data.buffer) : data;
    const node = this.engine.upload(values as HostArray, STORED_AS[dtype], [...shape]);
    return this.#create(dtype, shape, node);
  }

  #create<D extends DType>(
    dtype: D,
    shape: readonly number[],
    content: Node | TesseraError,
  ): Tensor<D> {
    const tensor = new EagerTensor(this, dtype, shape, new Storage(this.engine, content), 0);
    this.#ledger.add(tensor, tensor.size * bytesPerElement(dtype));
    return tensor;
  }

  #view<D extends DType>(
    whole: EagerTensor<D>,
    shape: readonly number[],
    start: number,
  ): Tensor<D> {
    const tensor = new EagerTensor(this, whole.dtype, shape, whole.storage.retain(), start);
    this.#ledger.add(tensor, 0);
    return tensor;
  }
}

/** Element type and shape of what a kernel makes. */
export type Result = readonly [dtype: DType, shape: readonly number[]];
