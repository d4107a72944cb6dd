import type { DType } from "@tessera/core";
import type { FullLaunches } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import { assignBalanced } from "./launch-balance.js";
import { batchNormGradients, normalizeBatch } from "./launch-batch-norm.js";
import { searchBeam } from "./launch-beam.js";
import { boundGradients } from "./launch-bound.js";
import { sumClusters } from "./launch-clusters.js";
import { decodeScalars, encodeByThresholds, encodeScalars } from "./launch-codes.js";
import { contrast, entropy, softmax, softmaxGradient } from "./launch-distributions.js";
import { combine } from "./launch-elementwise.js";
import { gather, residual, take } from "./launch-gather.js";
import { dropOut, normalize, normGradients } from "./launch-layers.js";
import { multiply } from "./launch-matmul.js";
import { nearest } from "./launch-nearest.js";
import { quantize } from "./launch-quantize.js";
import { scanBits, scanRows } from "./launch-scan.js";
import { scanTables } from "./launch-scan-tables.js";
import { copy, loss, moveAverages, rotate, step, sumSquares } from "./launch-training.js";
import type { CpuTensor } from "./tensor.js";

export type CpuTensors = { readonly [D in DType]: CpuTensor<D> };

export const launches: FullLaunches<Device, CpuTensors> = {
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

  write: copy,
  multiplyInto: (device, task) => multiply(device, task, true),
  normalize,
  normGradients,
  dropOut,
  loss,
  rotate,
  sumSquares,
  step,
  moveAverages,

  searchBeam,
  scanRows: (device, queries, rows, scaling, { metric }, tensors) =>
    scanRows(device, queries, rows, scaling, metric === "ip", tensors),
  scanTables: (device, tables, { rows }, tensors) => scanTables(device, tables, rows, tensors),
  scanBits: (device, queries, codes, _, tensors) => scanBits(device, queries, codes, tensors),

  softmax,
  softmaxGradient,
  entropy,
  contrast,

  quantize: (device, tensors, { levels, groups }) => quantize(device, tensors, levels, groups),
  assignBalanced,
  normalizeBatch,
  batchNormGradients,
  boundGradients,
};
