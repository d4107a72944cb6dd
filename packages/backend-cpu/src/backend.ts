import {
  bytesPerElement,
  DisposedError,
  sizeOf,
  type BackendInfo,
  type CompleteBackend,
  type DType,
  type DTypeOf,
  type Tensor,
  type TensorData,
} from "@tessera/core";
import { checkData } from "@tessera/core/arguments";
import { FullDeviceBackend } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import { zero } from "./launch-elementwise.js";
import { launches, type CpuTensors } from "./launches.js";
import { CpuTensor } from "./tensor.js";

/** The backend over a device: how its tensors are made. */
export class CpuBackend extends FullDeviceBackend<Device, CpuTensors> implements CompleteBackend {
  readonly info: BackendInfo;
  readonly device: Device;
  protected readonly launches = launches;

  constructor(device: Device, info: BackendInfo) {
    super();
    this.device = device;
    this.info = info;
  }

  borrow<A extends TensorData>(
    data: A,
    shape: readonly number[] = [data.length],
  ): Tensor<DTypeOf<A>> {
    this.checkAlive();
    const dtype = checkData(data, shape);
    return this.counted(new CpuTensor(this, dtype, shape, this.device.borrow(data), 0));
  }

  async sync(): Promise<void> {
    this.checkAlive();
    await this.device.executor.finished();
  }

  protected checkAlive(): void {
    this.device.checkAlive();
  }

  protected upload<D extends DType>(
    data: TensorData,
    dtype: D,
    shape: readonly number[],
  ): CpuTensor<D> {
    return new CpuTensor(this, dtype, shape, this.device.upload(data), 0);
  }

  protected allocate<D extends DType>(dtype: D, shape: readonly number[]): CpuTensor<D> {
    const storage = this.device.allocate(sizeOf(shape) * bytesPerElement(dtype));
    return new CpuTensor(this, dtype, shape, storage, 0);
  }

  protected share<D extends DType>(
    whole: CpuTensor<D>,
    shape: readonly number[],
    start: number,
  ): CpuTensor<D> {
    return new CpuTensor(this, whole.dtype, shape, whole.storage.retain(), whole.start + start);
  }

  protected clear(tensor: CpuTensor): void {
    zero(this.device, tensor);
  }

  protected stop(): void {
    this.device.executor.stop(new DisposedError("the backend"));
  }
}
