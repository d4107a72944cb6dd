import type { ContrastiveOptions, GumbelNoise } from "@tessera/core";
import { type Device, tiled } from "./device.js";
import {
  contrastiveLossKernel,
  entropyKernel,
  softmaxGradientKernel,
  softmaxKernel,
} from "./kernels/distributions.js";
import { inParts } from "./parts.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

export interface SoftmaxTask {
  readonly logits: Floats;
  readonly unit: Floats | undefined;
  readonly out: Floats;
  readonly scale: number;
  readonly noise: GumbelNoise | undefined;
}

/** Softmax of rows, with Gumbel noise where there is some. */
export function softmax(device: Device, { unit, scale, noise, ...tensors }: SoftmaxTask): void {
  const columns = tensors.logits.shape[1]!;
  inParts(device, { logits: tensors.logits, out: tensors.out }, ({ logits, out }, firstRow) => {
    const rows = logits.shape[0]!;
    device.run(softmaxKernel, {
      inputs: { logits, unit: unit ?? device.unused },
      outputs: { out },
      params: {
        rows,
        columns,
        scale,
        hasUnit: unit ? 1 : 0,
        noisy: noise ? 1 : 0,
        noiseScale: noise?.scale ?? 0,
        seed: noise?.seed ?? 0,
        call: noise?.call ?? 0,
        firstRow,
      },
      workgroups: tiled(rows, 1),
    });
    device.settle({ inputs: unit ? [logits, unit] : [logits], outputs: [out] });
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
export function softmaxGradient(
  device: Device,
  { unit, shared, scale, ...all }: SoftmaxGradientTask,
): void {
  const columns = all.out.shape[1]!;
  inParts(device, all, ({ probabilities, gradient, out }) => {
    const rows = out.shape[0]!;
    device.run(softmaxGradientKernel, {
      inputs: {
        probabilities,
        gradient,
        unit: unit ?? device.unused,
        added: shared ?? device.unused,
      },
      outputs: { out },
      params: { rows, columns, scale, hasUnit: unit ? 1 : 0, adds: shared ? 1 : 0 },
      workgroups: tiled(rows, 1),
    });
    const inputs = [probabilities, gradient, unit, shared].filter((read) => read !== undefined);
    device.settle({ inputs, outputs: [out] });
  });
}

export interface RowLossTask {
  /** What the loss is of. */
  readonly of: Floats;
  readonly losses: Floats;
  readonly gradient: Floats;
}

/** Entropies of rows, and their gradients. */
export function entropy(device: Device, task: RowLossTask, weight: number): void {
  const columns = task.of.shape[1]!;
  inParts(device, task, ({ of, losses, gradient }) => {
    const rows = of.shape[0]!;
    device.run(entropyKernel, {
      inputs: { probabilities: of },
      outputs: { losses, gradient },
      params: { rows, columns, weight },
      workgroups: tiled(rows, 1),
    });
    device.settle({ inputs: [of], outputs: [losses, gradient] });
  });
}

/** Contrastive losses of rows, and their gradients. */
export function contrast(
  device: Device,
  task: RowLossTask,
  { scale, weight }: ContrastiveOptions,
): void {
  const columns = task.of.shape[1]!;
  inParts(device, task, ({ of, losses, gradient }, firstRow) => {
    const rows = of.shape[0]!;
    device.run(contrastiveLossKernel, {
      inputs: { similarities: of },
      outputs: { losses, gradient },
      params: { rows, columns, scale, weight, firstRow },
      workgroups: tiled(rows, 1),
    });
    device.settle({ inputs: [of], outputs: [losses, gradient] });
  });
}
