import type { DType } from "@tessera/core";
import type { FullLaunches, GradientTask } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import { assignBalanced } from "./launch-balance.js";
import { batchNormGradients, normalizeBatch } from "./launch-batch-norm.js";
import { searchBeam } from "./launch-beam.js";
import { gather, residual, sumClusters, take } from "./launch-codebooks.js";
import { combine, multiply, multiplyParts, sumColumns } from "./launch-dense.js";
import { contrast, entropy, softmax, softmaxGradient } from "./launch-distributions.js";
import { boundGradients, dropOut, normalize, normGradients } from "./launch-layers.js";
import { nearest } from "./launch-nearest.js";
import { quantize } from "./launch-quantize.js";
import { decodeScalars, encodeByThresholds, encodeScalars } from "./launch-scalar.js";
import { scanBits, scanRows, scanTables } from "./launch-scan.js";
import { loss, moveAverages, rotate, step, sumSquares, write } from "./launch-training.js";
import type { GpuTensor } from "./tensor.js";

export type GpuTensors = { readonly [D in DType]: GpuTensor<D> };

export const launches: FullLaunches<Device, GpuTensors> = {
  nearest,
  gather,
  residual,
  sumClusters,
  multiply,
  combine,
  take,
  encodeScalars,
  decodeScalars,
  encodeByThresholds,

  write,
  multiplyInto,
  normalize,
  normGradients,
  dropOut,
  loss,
  rotate,
  sumSquares,
  step,
  moveAverages,

  searchBeam,
  scanRows,
  scanTables,
  scanBits,

  softmax,
  softmaxGradient,
  entropy: (device, { rows: of, losses, gradient }, weight) =>
    entropy(device, { of, losses, gradient }, weight),
  contrast: (device, { rows: of, losses, gradient }, options) =>
    contrast(device, { of, losses, gradient }, options),

  quantize,
  assignBalanced,
  normalizeBatch,
  batchNormGradients,
  boundGradients,
};

/** Two kernels: they share no tile, so one for both would read as much. */
function multiplyInto(device: Device, { sums, ...product }: GradientTask<GpuTensors>): void {
  const { a, out } = product;
  multiplyParts(device, { ...product, into: out });
  if (!sums) return;
  sumColumns(device, a, sums);
  device.settle({ inputs: [sums, a], outputs: [sums] });
}
