import type { Device } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

type Floats = CpuTensor<"float32">;

export interface BoundTask {
  readonly z: Floats;
  readonly gradient: Floats;
  readonly shift: Floats;
  readonly slope: Floats;
  readonly out: Floats;
}

/** Gradients through a bound by tanh. */
export function boundGradients(device: Device, task: BoundTask): void {
  const { z, gradient, shift, slope, out } = task;
  const [rows, dimension] = z.shape as [number, number];
  device.launch({
    kernel: "boundGradient",
    items: rows,
    grain: grainOf(32 * dimension),
    arguments: [z.address, gradient.address, shift.address, slope.address, out.address, dimension],
    outputs: [out.storage],
    inputs: [z.storage, gradient.storage, shift.storage, slope.storage],
  });
}
