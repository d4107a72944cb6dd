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
import { sumParts } from "./launch-dense.js";
import { flattened, inParts } from "./parts.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

/** Copies values of any type. */
export function write(device: Device, source: GpuTensor, target: GpuTensor): void {
  const copy = source.storage === target.storage ? device.copyOf(source) : undefined;
  device.overwrite(target, copy ? { storage: copy, start: 0 } : source);
  copy?.release();
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
  task: LossTask,
  { kind, weight }: ReconstructionOptions,
): void {
  const columns = task.output.shape[1]!;
  inParts(device, task, ({ output, target, losses, gradient }) => {
    const rows = output.shape[0]!;
    device.run(reconstructionLossKernel, {
      inputs: { made: output, wanted: target },
      outputs: { losses, gradient },
      params: { rows, columns, kind: LOSSES.indexOf(kind), weight },
      workgroups: tiled(rows, 1),
    });
    device.settle({ inputs: [output, target], outputs: [losses, gradient] });
  });
}

/** Gradients through a quantizer by the rotation trick. */
export function rotate(
  device: Device,
  from: Floats,
  to: Floats,
  given: Floats,
  rotated: Floats,
): void {
  const columns = from.shape[1]!;
  const all = { z: from, quantized: to, gradient: given, out: rotated };
  inParts(device, all, ({ z, quantized, gradient, out }) => {
    const rows = z.shape[0]!;
    device.run(rotateGradientKernel, {
      inputs: { z, quantized, gradient },
      outputs: { out },
      params: { rows, columns },
      workgroups: tiled(rows, 1),
    });
    device.settle({ inputs: [z, quantized, gradient], outputs: [out] });
  });
}

/** The sum of the squares of all values: of spans, then of those. */
export function sumSquares(device: Device, values: Floats, out: Floats): void {
  const sumSome = ({ x }: { readonly x: Floats }, first: number): void => {
    const parts = Math.ceil(x.size / SQUARES_SPAN);
    const partials = device.allocate(4 * parts);
    device.run(squaresKernel, {
      inputs: { x },
      outputs: { partials },
      params: { items: x.size, parts },
      workgroups: tiled(parts, 1),
    });
    sumParts(device, partials, out, { parts, stride: 1, first: 0, continues: first > 0 });
    partials.release();
  };
  inParts(device, { x: flattened(values) }, sumSome, SQUARES_SPAN);
  device.settle({ inputs: [values], outputs: [out] });
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
  const [first, second] = state;
  inParts(device, { parameters, gradients, first, second }, (part) =>
    stepOf(device, part, update, squaredNorm),
  );
  // All are computed from one another, so that they share their faults.
  const written = [parameters, ...state];
  const read = squaredNorm ? [gradients, squaredNorm] : [gradients];
  device.settle({ inputs: [...written, ...read], outputs: written });
}

interface StepTensors {
  readonly parameters: Floats;
  readonly gradients: Floats;
  readonly first: Floats | undefined;
  readonly second: Floats | undefined;
}

function stepOf(
  device: Device,
  { parameters, gradients, ...state }: StepTensors,
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
  const { first = device.spare, second = device.spare } = state;
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
          moves: state.first ? 1 : 0,
        },
      });
  }
}

export interface EmaTask {
  readonly codebooks: Floats;
  readonly sums: Floats;
  readonly counts: Floats;
  readonly usage: Floats;
}

/** Codebooks and usage by moving average, in place. */
export function moveAverages(device: Device, task: EmaTask, decay: number): void {
  const dimension = task.codebooks.shape[1]!;
  inParts(device, task, ({ codebooks, sums, counts, usage }) => {
    const codewords = codebooks.shape[0]!;
    runInPlace(device, emaStepKernel, {
      inputs: { sums, counts },
      updates: { codebooks, usage },
      outputs: {},
      params: { items: codewords, dimension, decay, rest: 1 - decay },
      workgroups: flat(codewords),
    });
  });
  const { codebooks, sums, counts, usage } = task;
  device.settle({ inputs: [codebooks, usage, sums, counts], outputs: [codebooks, usage] });
}
