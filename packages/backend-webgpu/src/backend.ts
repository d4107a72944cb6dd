import {
  bytesPerElement,
  checkExtents,
  DisposedError,
  ShapeError,
  sizeOf,
  type DType,
  type Tensor,
  type TensorData,
} from "@tessera/core";
import { FullDeviceBackend } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import type { WebGpuInfo } from "./info.js";
import { launches, type GpuTensors } from "./launches.js";
import { GpuTensor } from "./tensor.js";

/** The backend over a device: how its tensors are made, and shared with other code on the device. */
export class WebGpuBackend extends FullDeviceBackend<Device, GpuTensors> {
  readonly info: WebGpuInfo;
  readonly device: Device;
  protected readonly launches = launches;

  constructor(device: Device, info: WebGpuInfo) {
    super();
    this.device = device;
    this.info = info;
  }

  /** The device that everything runs on. */
  get gpu(): GPUDevice {
    return this.device.gpu;
  }

  async sync(): Promise<void> {
    this.checkAlive();
    await this.device.finished();
  }

  /**
   * The buffer of a tensor, for other code on this device: its values are the first. What was enqueued by now has been
   * submitted. The buffer stays until it is released, and is not to be written.
   */
  lend(tensor: Tensor): { readonly buffer: GPUBuffer; readonly release: () => void } {
    const whole: GpuTensor = this.own(tensor, "tensor", tensor.dtype);
    const storage = whole.start === 0 ? whole.storage.retain() : this.device.copyOf(whole);
    this.device.recorder.submit();
    return { buffer: storage.buffer, release: () => storage.release() };
  }

  /**
   * A tensor over a buffer of this device, made by other code: usages STORAGE and COPY_SRC, values from its start, and no
   * more writes. Its bytes do not count in `memory()`.
   *
   * @param release told once no tensor looks at the buffer any more
   */
  adopt<D extends DType>(
    buffer: GPUBuffer,
    dtype: D,
    shape: readonly number[],
    release: () => void = () => undefined,
  ): Tensor<D> {
    this.checkAlive();
    checkExtents(shape);
    const bytes = sizeOf(shape) * bytesPerElement(dtype);
    if (buffer.size < bytes) {
      throw new ShapeError(`a buffer of ${buffer.size} bytes does not hold [${shape.join(", ")}]`);
    }
    const storage = this.device.adopt(buffer, release);
    return this.counted(new GpuTensor(this, dtype, shape, storage, 0), 0);
  }

  protected checkAlive(): void {
    this.device.checkAlive();
  }

  protected upload<D extends DType>(
    data: TensorData,
    dtype: D,
    shape: readonly number[],
  ): GpuTensor<D> {
    return new GpuTensor(this, dtype, shape, this.device.upload(data), 0);
  }

  protected allocate<D extends DType>(dtype: D, shape: readonly number[]): GpuTensor<D> {
    const storage = this.device.allocate(sizeOf(shape) * bytesPerElement(dtype));
    return new GpuTensor(this, dtype, shape, storage, 0);
  }

  protected share<D extends DType>(
    whole: GpuTensor<D>,
    shape: readonly number[],
    start: number,
  ): GpuTensor<D> {
    return new GpuTensor(this, whole.dtype, shape, whole.storage.retain(), whole.start + start);
  }

  protected clear({ storage, bytes }: GpuTensor): void {
    this.device.clear(storage, bytes);
  }

  protected stop(): void {
    this.device.stop(new DisposedError("the backend"));
  }
}
