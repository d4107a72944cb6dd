import { type OptimizerUpdate, type ReconstructionOptions } from "@tessera/core";
import { type Device, flat, tiled } from "./device.js";
import { runInPlace } from "./in-place.js";
import {
  LOSSES,
  reconstructionLossKernel,
  rotateGradientKernel,
  SQUARES_SPAN,
  squaresKernel,
} from "./kernels/losses.js";
import { adagradKernel, adamwKernel, emaStepKernel, sgdKernel } from "./kernels/optimizers.js";
import { writeBytesKernel } from "./kernels/write.js";
import { sumParts } from "./launch-dense.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

/** Copies values of any type. */
export function write(device: Device, source: GpuTensor, target: GpuTensor): void {
  const shared = source.storage === target.storage;
  const from = shared ? { storage: device.copyOf(source), start: 0 } : source;
  if (target.dtype === "uint8") {
    const { start: first, size: bytes } = target;
    const items = bytes === 0 ? 0 : Math.ceil((first + bytes) / 4) - Math.floor(first / 4);
    // The copy of a storage starts at a whole word, which a slice of bytes may not.
    const start = shared ? source.start % 4 : source.start;
    device.run(writeBytesKernel, {
      inputs: { source: from.storage },
      outputs: { copied: target.storage },
      params: { items, bytes, start, first },
      workgroups: flat(items),
    });
  } else device.overwrite(target, from);
  if (shared) from.storage.release();
  device.settle({ inputs: [target, source], outputs: [target] });
}

export interface LossTask {
  readonly output: Floats;
  readonly target: Floats;
  readonly losses: Floats;
  readonly gradient: Floats;
}

/** Losses of rows, and their gradients. */
export function loss(
  device: Device,
  { output, target, losses, gradient }: LossTask,
  { kind, weight }: ReconstructionOptions,
): void {
  const [rows, columns] = output.shape as [number, number];
  device.run(reconstructionLossKernel, {
    inputs: { made: output, wanted: target },
    outputs: { losses, gradient },
    params: { rows, columns, kind: LOSSES.indexOf(kind), weight },
    workgroups: tiled(rows, 1),
  });
  device.settle({ inputs: [output, target], outputs: [losses, gradient] });
}

/** Gradients through a quantizer by the rotation trick. */
export function rotate(
  device: Device,
  z: Floats,
  quantized: Floats,
  gradient: Floats,
  out: Floats,
): void {
  const [rows, columns] = z.shape as [number, number];
  device.run(rotateGradientKernel, {
    inputs: { z, quantized, gradient },
    outputs: { out },
    params: { rows, columns },
    workgroups: tiled(rows, 1),
  });
  device.settle({ inputs: [z, quantized, gradient], outputs: [out] });
}

/** The sum of the squares of all values: of spans, then of those. */
export function sumSquares(device: Device, x: Floats, out: Floats): void {
  const parts = Math.ceil(x.size / SQUARES_SPAN);
  const partials = device.allocate(4 * parts);
  device.run(squaresKernel, {
    inputs: { x },
    outputs: { partials },
    params: { items: x.size, parts },
    workgroups: tiled(parts, 1),
  });
  sumParts(device, partials, out, { parts, stride: 1, first: 0 });
  partials.release();
  device.settle({ inputs: [x], outputs: [out] });
}

/** Moves parameters and the optimizer's state in place. */
export function step(
  device: Device,
  parameters: Floats,
  gradients: Floats,
  state: readonly Floats[],
  update: OptimizerUpdate,
  squaredNorm: Floats | undefined,
): void {
  const { learningRate, weightDecay = 0, clip } = update;
  const inputs = { gradients, squaredNorm: squaredNorm ?? device.unused };
  const params = {
    items: parameters.size,
    clips: squaredNorm ? 1 : 0,
    limit: clip?.limit ?? 0,
    keep: 1 - learningRate * weightDecay,
  };
  const common = { inputs, outputs: {}, workgroups: flat(parameters.size) };
  const [first = device.spare, second = device.spare] = state;
  switch (update.rule) {
    case "adamw": {
      const { beta1, beta2, epsilon, step: t } = update;
      runInPlace(device, adamwKernel, {
        ...common,
        updates: { parameters, first, second },
        params: {
          ...params,
          beta1,
          rest1: 1 - beta1,
          beta2,
          rest2: 1 - beta2,
          rate: learningRate / (1 - beta1 ** t),
          inverseRoot: 1 / Math.sqrt(1 - beta2 ** t),
          epsilon,
        },
      });
      break;
    }
    case "adagrad":
      runInPlace(device, adagradKernel, {
        ...common,
        updates: { parameters, squares: first },
        params: { ...params, rate: learningRate, epsilon: update.epsilon },
      });
      break;
    case "sgd":
      runInPlace(device, sgdKernel, {
        ...common,
        updates: { parameters, velocity: first },
        params: {
          ...params,
          rate: learningRate,
          momentum: update.momentum,
          moves: state.length,
        },
      });
  }
  // All are computed from one another, so that they share their faults.
  const written = [parameters, ...state];
  const read = squaredNorm ? [gradients, squaredNorm] : [gradients];
  device.settle({ inputs: [...written, ...read], outputs: written });
}

export interface EmaTask {
  readonly codebooks: Floats;
  readonly sums: Floats;
  readonly counts: Floats;
  readonly usage: Floats;
}

/** Codebooks and usage by moving average, in place. */
export function moveAverages(
  device: Device,
  { codebooks, sums, counts, usage }: EmaTask,
  decay: number,
): void {
  const [codewords, dimension] = codebooks.shape as [number, number];
  runInPlace(device, emaStepKernel, {
    inputs: { sums, counts },
    updates: { codebooks, usage },
    outputs: {},
    params: { items: codewords, dimension, decay, rest: 1 - decay },
    workgroups: flat(codewords),
  });
  device.settle({ inputs: [codebooks, usage, sums, counts], outputs: [codebooks, usage] });
}
