import type { ContrastiveOptions, GumbelNoise } from "@tessera/core";
import { floatBits, type Device } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

type Floats = CpuTensor<"float32">;

export interface SoftmaxTask {
  readonly logits: Floats;
  readonly unit: Floats | undefined;
  readonly out: Floats;
  readonly scale: number;
  readonly noise: GumbelNoise | undefined;
}

/** Softmax of rows, with Gumbel noise where there is some. */
export function softmax(device: Device, { logits, unit, out, scale, noise }: SoftmaxTask): void {
  const [rows, columns] = logits.shape as [number, number];
  device.launch({
    kernel: "softmax",
    items: rows,
    grain: grainOf((noise ? 128 : 32) * columns),
    arguments: [
      logits.address,
      unit?.address ?? 0,
      out.address,
      columns,
      floatBits(scale),
      noise ? 1 : 0,
      floatBits(noise?.scale ?? 0),
      noise?.seed ?? 0,
      noise?.call ?? 0,
    ],
    outputs: [out.storage],
    inputs: [logits.storage, unit?.storage],
  });
}

export interface SoftmaxGradientTask {
  readonly probabilities: Floats;
  readonly gradient: Floats;
  readonly unit: Floats | undefined;
  readonly shared: Floats | undefined;
  readonly scale: number;
  readonly out: Floats;
}

/** Gradients back through the softmax of rows. */
export function softmaxGradient(device: Device, task: SoftmaxGradientTask): void {
  const { probabilities, gradient, unit, shared, scale, out } = task;
  const [rows, columns] = probabilities.shape as [number, number];
  device.launch({
    kernel: "softmaxGradient",
    items: rows,
    grain: grainOf(16 * columns),
    arguments: [
      probabilities.address,
      gradient.address,
      unit?.address ?? 0,
      shared?.address ?? 0,
      out.address,
      columns,
      floatBits(scale),
    ],
    outputs: [out.storage],
    inputs: [probabilities.storage, gradient.storage, unit?.storage, shared?.storage],
  });
}

export interface RowLossTask {
  /** What the loss is of. */
  readonly rows: Floats;
  readonly losses: Floats;
  readonly gradient: Floats;
}

/** Entropies of rows, and their gradients. */
export function entropy(device: Device, task: RowLossTask, weight: number): void {
  launchRowLoss(device, "entropy", task, [weight]);
}

/** Contrastive losses of rows, and their gradients. */
export function contrast(
  device: Device,
  task: RowLossTask,
  { scale, weight }: ContrastiveOptions,
): void {
  launchRowLoss(device, "contrastiveLoss", task, [scale, weight]);
}

function launchRowLoss(
  device: Device,
  kernel: "entropy" | "contrastiveLoss",
  { rows: { address, storage, shape }, losses, gradient }: RowLossTask,
  numbers: readonly number[],
): void {
  const [rows, columns] = shape as [number, number];
  device.launch({
    kernel,
    items: rows,
    grain: grainOf(32 * columns),
    arguments: [address, losses.address, gradient.address, columns, ...numbers.map(floatBits)],
    outputs: [losses.storage, gradient.storage],
    inputs: [storage],
  });
}
