import type { Activation } from "@tessera/core";
import { floatBits, type Device, type Storage } from "./device.js";
import { grainOf } from "./grain.js";
import { ACTIVATIONS } from "./launch-matmul.js";
import type { CpuTensor } from "./tensor.js";

type Floats = CpuTensor<"float32">;

export interface BatchNormTask {
  readonly x: Floats;
  readonly scale: Floats;
  readonly shift: Floats;
  /** Running averages. */
  readonly mean: Floats;
  readonly variance: Floats;
  readonly epsilon: number;
  readonly activation: Activation;
  readonly out: Floats;
  readonly pre: Floats | undefined;
}

/** Where the statistics are that rows are normalized by. */
interface Statistics {
  readonly mean: number;
  readonly variance: number;
  readonly storages: readonly Storage[];
}

/** Normalizes rows by their batch, which moves the running averages, or without a momentum by those. */
export function normalizeBatch(
  device: Device,
  task: BatchNormTask,
  momentum: number | undefined,
): void {
  const { x, mean, variance } = task;
  if (momentum === undefined) {
    normalize(device, task, {
      mean: mean.address,
      variance: variance.address,
      storages: [mean.storage, variance.storage],
    });
    return;
  }
  const rows = x.shape[0]!;
  withStatistics(device, x, (statistics) => {
    moveAverage(device, mean, statistics.mean, statistics, momentum, momentum);
    const unbiased = (momentum * rows) / (rows - 1);
    moveAverage(device, variance, statistics.variance, statistics, momentum, unbiased);
    normalize(device, task, statistics);
  });
}

function normalize(device: Device, task: BatchNormTask, statistics: Statistics): void {
  const { x, scale, shift, out, pre } = task;
  const [rows, dimension] = x.shape as [number, number];
  device.launch({
    kernel: "batchNorm",
    items: rows,
    grain: grainOf(48 * dimension),
    arguments: [
      x.address,
      statistics.mean,
      statistics.variance,
      scale.address,
      shift.address,
      out.address,
      pre?.address ?? 0,
      dimension,
      ACTIVATIONS.indexOf(task.activation),
      floatBits(task.epsilon),
    ],
    outputs: pre ? [out.storage, pre.storage] : [out.storage],
    inputs: [x.storage, scale.storage, shift.storage, ...statistics.storages],
  });
}

/** average ← (1 − momentum) · average + weight · batch */
function moveAverage(
  device: Device,
  average: Floats,
  batch: number,
  { storages }: Statistics,
  momentum: number,
  weight: number,
): void {
  device.launch({
    kernel: "combine",
    items: average.size,
    grain: grainOf(8, 64),
    arguments: [
      average.address,
      batch,
      average.address,
      floatBits(1 - momentum),
      floatBits(weight),
    ],
    outputs: [average.storage],
    inPlace: true,
    inputs: storages,
  });
}

export interface BatchNormGradientsTask {
  readonly x: Floats;
  readonly scale: Floats;
  readonly gradient: Floats;
  readonly epsilon: number;
  readonly out: Floats;
  readonly intoScale: Floats;
  readonly intoShift: Floats;
}

/** The gradients of the parameters, and by these, which are the sums that it takes, of the rows. */
export function batchNormGradients(device: Device, task: BatchNormGradientsTask): void {
  const { x, scale, gradient, out, intoScale, intoShift } = task;
  const [rows, dimension] = x.shape as [number, number];
  const { panel } = device.layout;
  const epsilon = floatBits(task.epsilon);
  withStatistics(device, x, ({ mean, variance, storages }) => {
    device.launch({
      kernel: "batchNormParameters",
      items: Math.ceil(dimension / panel),
      grain: grainOf(32 * panel * rows),
      arguments: [
        x.address,
        gradient.address,
        mean,
        variance,
        intoScale.address,
        intoShift.address,
        rows,
        dimension,
        epsilon,
      ],
      outputs: [intoScale.storage, intoShift.storage],
      inPlace: true,
      inputs: [x.storage, gradient.storage, ...storages],
    });
    device.launch({
      kernel: "batchNormGradients",
      items: rows,
      grain: grainOf(64 * dimension),
      arguments: [
        x.address,
        gradient.address,
        mean,
        variance,
        scale.address,
        intoScale.address,
        intoShift.address,
        out.address,
        rows,
        dimension,
        epsilon,
      ],
      outputs: [out.storage],
      inputs: [x.storage, gradient.storage, scale.storage, ...storages],
    });
  });
}

/** Means and variances of a batch's columns, for as long as they are needed. */
function withStatistics(device: Device, x: Floats, use: (statistics: Statistics) => void): void {
  const [rows, dimension] = x.shape as [number, number];
  const { panel } = device.layout;
  const storage = device.allocate(8 * dimension);
  try {
    const mean = storage.address;
    const variance = mean + 4 * dimension;
    device.launch({
      kernel: "batchStatistics",
      items: Math.ceil(dimension / panel),
      grain: grainOf(8 * panel * rows),
      arguments: [x.address, mean, variance, rows, dimension],
      outputs: [storage],
      inputs: [x.storage],
    });
    use({ mean, variance, storages: [storage] });
  } finally {
    storage.release();
  }
}
