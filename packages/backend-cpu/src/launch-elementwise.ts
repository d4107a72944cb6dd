import { floatBits, type Device } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** Zeros of any type, to the end of the last word. */
export function zero(device: Device, tensor: CpuTensor): void {
  device.launch({
    kernel: "fill",
    items: Math.ceil(tensor.bytes / 4),
    grain: grainOf(1),
    arguments: [tensor.address, 0],
    outputs: [tensor.storage],
    inputs: [],
  });
}

export interface CombineTensors {
  readonly a: CpuTensor<"float32">;
  readonly b: CpuTensor<"float32">;
  readonly out: CpuTensor<"float32">;
}

/** alpha · a + beta · b */
export function combine(
  device: Device,
  { a, b, out }: CombineTensors,
  alpha: number,
  beta: number,
): void {
  device.launch({
    kernel: "combine",
    items: out.size,
    grain: grainOf(8, 64),
    arguments: [a.address, b.address, out.address, floatBits(alpha), floatBits(beta)],
    outputs: [out.storage],
    inputs: [a.storage, b.storage],
  });
}
