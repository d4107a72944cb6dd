import { type Device, flat } from "./device.js";
import { FAULT } from "./fault.js";
import { scalarDecodeKernel, scalarEncodeKernel, thresholdEncodeKernel } from "./kernels/scalar.js";
import { inParts } from "./parts.js";
import type { GpuTensor } from "./tensor.js";

export interface ScalarTensors {
  readonly values: GpuTensor<"float32">;
  readonly codes: GpuTensor<"uint8">;
  readonly lower: GpuTensor<"float32">;
  readonly step: GpuTensor<"float32">;
}

export function encodeScalars(
  device: Device,
  { lower, step, ...rows }: ScalarTensors,
  levels: number,
  bits: number,
): void {
  inParts(device, rows, ({ values, codes }) => {
    device.run(scalarEncodeKernel, {
      inputs: { x: values, lower, step },
      outputs: { codes },
      params: { ...packing(values, codes, bits), top: levels - 1 },
      workgroups: flat(words(codes)),
    });
    const sources = [{ kind: FAULT.row }] as const;
    device.settle({ inputs: [values, lower, step], outputs: [codes], sources });
  });
}

export function decodeScalars(
  device: Device,
  { lower, step, ...rows }: ScalarTensors,
  bits: number,
): void {
  inParts(device, rows, ({ values, codes }) => {
    device.run(scalarDecodeKernel, {
      inputs: { codes, lower, step },
      outputs: { values },
      params: { items: values.size, width: codes.shape[1]!, dimension: values.shape[1]!, bits },
      workgroups: flat(values.size),
    });
    device.settle({ inputs: [codes, lower, step], outputs: [values] });
  });
}

/** Without thresholds, the one threshold is 0. */
export function encodeByThresholds(
  device: Device,
  values: GpuTensor<"float32">,
  thresholds: { readonly count: number; readonly tensor: GpuTensor<"float32"> | undefined },
  packed: GpuTensor<"uint8">,
  bits: number,
): void {
  const { tensor, count } = thresholds;
  inParts(device, { x: values, codes: packed }, ({ x, codes }) => {
    device.run(thresholdEncodeKernel, {
      inputs: { x, thresholds: tensor ?? device.unused },
      outputs: { codes },
      params: { ...packing(x, codes, bits), count: tensor ? count : 0 },
      workgroups: flat(words(codes)),
    });
    const sources = [{ kind: FAULT.row }] as const;
    device.settle({ inputs: [x, ...(tensor ? [tensor] : [])], outputs: [codes], sources });
  });
}

function words({ size }: GpuTensor<"uint8">): number {
  return Math.ceil(size / 4);
}

function packing(
  { shape }: GpuTensor<"float32">,
  codes: GpuTensor<"uint8">,
  bits: number,
): Record<"items" | "bytes" | "width" | "dimension" | "bits", number> {
  const [width, dimension] = [codes.shape[1]!, shape[1]!];
  return { items: words(codes), bytes: codes.size, width, dimension, bits };
}
