import type { Activation } from "@tessera/core";
import { type Device, flat, type View } from "./device.js";
import { ACTIVATIONS } from "./kernels/activation.js";
import {
  batchAverageKernel,
  batchNormGradientsKernel,
  batchNormKernel,
  batchNormPartsKernel,
  batchPartsKernel,
} from "./kernels/batch-norm.js";
import { CHUNK_ROWS, sumParts } from "./launch-dense.js";
import { inParts } from "./parts.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

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

/** What columns are normalized by. */
interface Statistics {
  readonly mean: View | Storage;
  readonly variance: View | Storage;
}

/** Normalizes rows by their batch, which moves the running averages, or without a momentum by those. */
export function normalizeBatch(
  device: Device,
  task: BatchNormTask,
  momentum: number | undefined,
): void {
  const { x, mean, variance } = task;
  if (momentum === undefined) {
    normalizeRows(device, task, { mean, variance }, [mean, variance]);
    return;
  }
  const rows = x.shape[0]!;
  const keep = 1 - momentum;
  const statistics = batchStatistics(device, x, {
    mean: { average: mean, keep, weight: momentum },
    variance: { average: variance, keep, weight: (momentum * rows) / (rows - 1) },
  });
  for (const average of [mean, variance]) {
    device.settle({ inputs: [average, x], outputs: [average] });
  }
  normalizeRows(device, task, statistics, [x]);
  release(statistics);
}

/** @param from the tensors that the statistics are of */
function normalizeRows(
  device: Device,
  { scale, shift, epsilon, activation, ...tensors }: BatchNormTask,
  { mean, variance }: Statistics,
  from: readonly Floats[],
): void {
  const columns = tensors.x.shape[1]!;
  inParts(device, { x: tensors.x, out: tensors.out, pre: tensors.pre }, ({ x, out, pre }) => {
    device.run(batchNormKernel, {
      inputs: { x, mean, variance, scale, shift },
      outputs: { out, pre: pre ?? device.spare },
      params: {
        items: x.size,
        columns,
        epsilon,
        activation: ACTIVATIONS.indexOf(activation),
        keepsPre: pre ? 1 : 0,
      },
      workgroups: flat(x.size),
    });
    device.settle({ inputs: [x, scale, shift, ...from], outputs: pre ? [out, pre] : [out] });
  });
}

/** A running average, which becomes keep · average + weight · what the batch has. */
interface Moved {
  readonly average: Floats;
  readonly keep: number;
  readonly weight: number;
}

interface BatchStatistics {
  readonly mean: Storage;
  readonly variance: Storage;
}

/** Means and variances of a batch's columns. */
function batchStatistics(
  device: Device,
  x: Floats,
  moved?: { readonly mean: Moved; readonly variance: Moved },
): BatchStatistics {
  const mean = columnAverage(device, x, undefined, moved?.mean);
  return { mean, variance: columnAverage(device, x, mean, moved?.variance) };
}

function release({ mean, variance }: BatchStatistics): void {
  mean.release();
  variance.release();
}

/** Averages of columns, or with their means, of the squares of what is off those. */
function columnAverage(
  device: Device,
  batch: Floats,
  mean: Storage | undefined,
  moved: Moved | undefined,
): Storage {
  const [count, columns] = batch.shape as [number, number];
  const averages = device.allocate(4 * columns);
  inParts(device, { x: batch }, ({ x }, first) => {
    const rows = x.shape[0]!;
    const chunks = Math.ceil(rows / CHUNK_ROWS);
    const partials = device.allocate(4 * chunks * columns);
    device.run(batchPartsKernel, {
      inputs: { x, mean: mean ?? device.unused },
      outputs: { partials },
      params: {
        items: chunks * columns,
        rows,
        columns,
        chunkRows: CHUNK_ROWS,
        squares: mean ? 1 : 0,
      },
      workgroups: flat(chunks * columns),
    });
    device.run(batchAverageKernel, {
      inputs: { partials },
      updates: { running: moved?.average ?? device.spare },
      outputs: { averages },
      params: {
        items: columns,
        parts: chunks,
        count,
        continues: first > 0 ? 1 : 0,
        last: first + rows === count ? 1 : 0,
        moves: moved ? 1 : 0,
        keep: moved?.keep ?? 0,
        weight: moved?.weight ?? 0,
      },
      workgroups: flat(columns),
    });
    partials.release();
  });
  return averages;
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
  const { scale, epsilon, intoScale, intoShift, out: result, ...all } = task;
  const [count, columns] = all.x.shape as [number, number];
  const statistics = batchStatistics(device, all.x);
  inParts(device, all, ({ x, gradient }, first) => {
    const rows = x.shape[0]!;
    const chunks = Math.ceil(rows / CHUNK_ROWS);
    const partials = device.allocate(8 * chunks * columns);
    device.run(batchNormPartsKernel, {
      inputs: { x, gradient, ...statistics },
      outputs: { partials },
      params: { items: chunks * columns, rows, columns, chunkRows: CHUNK_ROWS, epsilon },
      workgroups: flat(chunks * columns),
    });
    const strided = { parts: chunks, stride: 2 * columns, continues: first > 0 };
    sumParts(device, partials, intoShift, { ...strided, first: 0 });
    sumParts(device, partials, intoScale, { ...strided, first: columns });
    partials.release();
  });
  for (const into of [intoScale, intoShift]) {
    device.settle({ inputs: [into, all.x, all.gradient], outputs: [into] });
  }
  inParts(device, { ...all, out: result }, ({ x, gradient, out }) => {
    device.run(batchNormGradientsKernel, {
      inputs: { x, gradient, ...statistics, scale, ofScale: intoScale, ofShift: intoShift },
      outputs: { out },
      params: { items: x.size, columns, count, epsilon },
      workgroups: flat(x.size),
    });
    device.settle({ inputs: [x, scale, gradient], outputs: [out] });
  });
  release(statistics);
}
