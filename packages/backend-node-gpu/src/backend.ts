import {
  BackendError,
  bytesPerElement,
  DisposedError,
  sizeOf,
  type DType,
  type TensorData,
} from "@tessera/core";
import { TrainingDeviceBackend } from "@tessera/core/authoring";
import type { HostArray } from "./addon.js";
import type { Engine } from "./engine.js";
import { fill } from "./fill.js";
import type { TensorflowInfo } from "./info.js";
import type { Workspace } from "./kernels/workspace.js";
import { launches, type EagerTensors } from "./launches.js";
import { Storage } from "./storage.js";
import { EagerTensor, STORED_AS, type EagerOwner } from "./tensor.js";

/** The backend over TensorFlow: how its tensors are made. What it leaves out, core composes of its kernels. */
export class TensorflowBackend
  extends TrainingDeviceBackend<Workspace, EagerTensors>
  implements EagerOwner
{
  readonly info: TensorflowInfo;
  readonly device: Workspace;
  protected readonly launches = launches;
  #disposed = false;

  constructor(device: Workspace, info: TensorflowInfo) {
    super();
    this.device = device;
    this.info = info;
  }

  get engine(): Engine {
    return this.device.engine;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** TensorFlow's eager operations have run when they return, or are in the order of the device. */
  async sync(): Promise<void> {
    this.checkAlive();
  }

  protected checkAlive(): void {
    if (this.#disposed) throw new DisposedError("the backend");
  }

  protected upload<D extends DType>(
    data: TensorData,
    dtype: D,
    shape: readonly number[],
  ): EagerTensor<D> {
    this.#checkSize(dtype, shape);
    const copy = data.slice();
    const values = copy instanceof Uint32Array ? new Int32Array(copy.buffer) : copy;
    const node = this.engine.upload(values as HostArray, STORED_AS[dtype], [...shape]);
    return new EagerTensor(this, dtype, shape, new Storage(this.engine, node), 0);
  }

  protected allocate<D extends DType>(dtype: D, shape: readonly number[]): EagerTensor<D> {
    this.#checkSize(dtype, shape);
    return new EagerTensor(this, dtype, shape, new Storage(this.engine), 0);
  }

  protected share<D extends DType>(
    whole: EagerTensor<D>,
    shape: readonly number[],
    start: number,
  ): EagerTensor<D> {
    return new EagerTensor(this, whole.dtype, shape, whole.storage.retain(), whole.start + start);
  }

  protected clear(tensor: EagerTensor): void {
    fill(this.device, [tensor], () => [this.engine.zeros(STORED_AS[tensor.dtype], tensor.shape)]);
  }

  protected stop(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.engine.dispose();
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
}
