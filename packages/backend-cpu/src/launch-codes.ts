import { FAULT } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** Values that `codes.c` does at once; its tables are padded to whole batches. */
const BATCH = 16;

/** Rows that it holds against many thresholds together. */
const THRESHOLD_ROWS = 32;

/** Per value, in the measure of `grainOf`: memory is the limit. */
const OPERATIONS = 8;

export interface ScalarTensors {
  readonly values: CpuTensor<"float32">;
  readonly codes: CpuTensor<"uint8">;
  readonly lower: CpuTensor<"float32">;
  readonly step: CpuTensor<"float32">;
}

/** Codes of values. */
export function encodeScalars(
  device: Device,
  { values, codes, lower, step }: ScalarTensors,
  levels: number,
  bits: number,
): void {
  const [rows, dimension] = values.shape as [number, number];
  device.launch({
    kernel: "scalarEncode",
    items: rows,
    grain: grainOf(OPERATIONS * dimension),
    arguments: [
      values.address,
      lower.address,
      step.address,
      codes.address,
      dimension,
      levels,
      bits,
    ],
    scratch: 8 * padded(dimension),
    fault: { kind: FAULT.row },
    outputs: [codes.storage],
    inputs: [values.storage, lower.storage, step.storage],
  });
}

/** Values of codes. */
export function decodeScalars(
  device: Device,
  { values, codes, lower, step }: ScalarTensors,
  bits: number,
): void {
  const [rows, dimension] = values.shape as [number, number];
  device.launch({
    kernel: "scalarDecode",
    items: rows,
    grain: grainOf(OPERATIONS * dimension),
    arguments: [codes.address, lower.address, step.address, values.address, dimension, bits],
    scratch: 8 * padded(dimension),
    outputs: [values.storage],
    inputs: [codes.storage, lower.storage, step.storage],
  });
}

/** The number of thresholds that each value exceeds. */
export function encodeByThresholds(
  device: Device,
  x: CpuTensor<"float32">,
  thresholds: { readonly count: number; readonly tensor: CpuTensor<"float32"> | undefined },
  codes: CpuTensor<"uint8">,
  bits: number,
): void {
  const [rows, dimension] = x.shape as [number, number];
  const { count, tensor } = thresholds;
  device.launch({
    kernel: "thresholdEncode",
    items: rows,
    grain: grainOf((OPERATIONS + count) * dimension, THRESHOLD_ROWS),
    arguments: [x.address, tensor?.address ?? 0, codes.address, dimension, count, bits],
    scratch: 4 * count * BATCH,
    fault: { kind: FAULT.row },
    outputs: [codes.storage],
    inputs: [x.storage, tensor?.storage],
  });
}

function padded(dimension: number): number {
  return Math.ceil(dimension / BATCH) * BATCH;
}
