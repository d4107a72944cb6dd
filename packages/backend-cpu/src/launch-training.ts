import type { OptimizerUpdate, ReconstructionOptions } from "@tessera/core";
import { floatBits, type Device } from "./device.js";
import { grainOf, sharedGrainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

type Floats = CpuTensor<"float32">;

/** The kinds of loss by the number that `losses.c` has for them. */
export const LOSSES: readonly ReconstructionOptions["kind"][] = ["squared", "normalized", "cosine"];

/** Copies values of any type. */
export function copy(device: Device, source: CpuTensor, target: CpuTensor): void {
  device.launch({
    kernel: "copy",
    items: source.bytes,
    grain: grainOf(2, 64),
    arguments: [source.address, target.address],
    outputs: [target.storage],
    inPlace: true,
    inputs: [source.storage],
  });
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
  const [rows, dimension] = output.shape as [number, number];
  device.launch({
    kernel: "reconstructionLoss",
    items: rows,
    grain: sharedGrainOf(device.executor.threads, rows, 16 * dimension + 16),
    arguments: [
      output.address,
      target.address,
      losses.address,
      gradient.address,
      dimension,
      LOSSES.indexOf(kind),
      floatBits(weight),
    ],
    outputs: [losses.storage, gradient.storage],
    inputs: [output.storage, target.storage],
  });
}

/** Gradients through a quantizer by the rotation trick. */
export function rotate(
  device: Device,
  z: Floats,
  quantized: Floats,
  gradient: Floats,
  out: Floats,
): void {
  const [rows, dimension] = z.shape as [number, number];
  device.launch({
    kernel: "rotateGradient",
    items: rows,
    grain: grainOf(32 * dimension + 32),
    arguments: [z.address, quantized.address, gradient.address, out.address, dimension],
    outputs: [out.storage],
    inputs: [z.storage, quantized.storage, gradient.storage],
  });
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
  const given = [parameters.address, gradients.address];
  for (const { address } of state) given.push(address);
  // Without momentum there is no state, which the kernel is told by 0.
  if (state.length === 0) given.push(0);
  given.push(
    squaredNorm?.address ?? 0,
    floatBits(clip?.limit ?? 0),
    floatBits(1 - learningRate * weightDecay),
  );
  for (const setting of settingsOf(update)) given.push(floatBits(setting));
  const written = [parameters.storage];
  for (const { storage } of state) written.push(storage);
  device.launch({
    kernel: update.rule,
    items: parameters.size,
    grain: sharedGrainOf(device.executor.threads, parameters.size, 32, 64),
    arguments: given,
    // All are computed from one another, so that they share their faults.
    outputs: written,
    inputs: [...written, gradients.storage, squaredNorm?.storage],
  });
}

/** The numbers that a rule's kernel takes after those that all take. */
function settingsOf(update: OptimizerUpdate): number[] {
  const { learningRate } = update;
  switch (update.rule) {
    case "adamw": {
      const { beta1, beta2, epsilon, step: t } = update;
      const rate = learningRate / (1 - beta1 ** t);
      const inverseRoot = 1 / Math.sqrt(1 - beta2 ** t);
      return [beta1, 1 - beta1, beta2, 1 - beta2, rate, inverseRoot, epsilon];
    }
    case "adagrad":
      return [learningRate, update.epsilon];
    case "sgd":
      return [learningRate, update.momentum];
  }
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
  device.launch({
    kernel: "emaStep",
    items: codewords,
    grain: grainOf(8 * dimension + 16),
    arguments: [
      codebooks.address,
      sums.address,
      counts.address,
      usage.address,
      dimension,
      floatBits(decay),
      floatBits(1 - decay),
    ],
    outputs: [codebooks.storage, usage.storage],
    inputs: [codebooks.storage, usage.storage, sums.storage, counts.storage],
  });
}

/** Values that are summed by themselves first. */
const CHUNK = 4096;

/** The sum of the squares of all values: of chunks, then of those. */
export function sumSquares(device: Device, x: Floats, out: Floats): void {
  const chunks = Math.ceil(x.size / CHUNK);
  const sums = device.allocate(4 * chunks);
  try {
    device.launch({
      kernel: "chunkSums",
      items: chunks,
      grain: grainOf(4 * CHUNK),
      arguments: [x.address, sums.address, x.size, CHUNK, 1],
      outputs: [sums],
      inputs: [x.storage],
    });
    device.launch({
      kernel: "chunkSums",
      items: 1,
      grain: 1,
      arguments: [sums.address, out.address, chunks, chunks, 0],
      outputs: [out.storage],
      inputs: [sums],
    });
  } finally {
    sums.release();
  }
}
