import type { Activation } from "@tessera/core";
import { floatBits, type Device } from "./device.js";
import { grainOf } from "./grain.js";
import { ACTIVATIONS } from "./launch-matmul.js";
import type { CpuTensor } from "./tensor.js";

type Floats = CpuTensor<"float32">;

export interface LayerNormTask {
  readonly x: Floats;
  readonly scale: Floats;
  readonly shift: Floats;
  readonly epsilon: number;
  readonly activation: Activation;
  readonly out: Floats;
  readonly pre: Floats | undefined;
}

/** Normalizes rows. */
export function normalize(device: Device, task: LayerNormTask): void {
  const { x, scale, shift, out, pre } = task;
  const [rows, dimension] = x.shape as [number, number];
  device.launch({
    kernel: "layerNorm",
    items: rows,
    grain: grainOf(48 * dimension),
    arguments: [
      x.address,
      scale.address,
      shift.address,
      out.address,
      pre?.address ?? 0,
      dimension,
      ACTIVATIONS.indexOf(task.activation),
      floatBits(task.epsilon),
    ],
    outputs: pre ? [out.storage, pre.storage] : [out.storage],
    inputs: [x.storage, scale.storage, shift.storage],
  });
}

export interface LayerNormGradientsTask {
  readonly x: Floats;
  readonly scale: Floats;
  readonly gradient: Floats;
  readonly epsilon: number;
  readonly out: Floats;
  readonly intoScale: Floats;
  readonly intoShift: Floats;
}

/** The gradients of the rows, and then from what those left of each row, of the parameters. */
export function normGradients(device: Device, task: LayerNormGradientsTask): void {
  const { x, scale, gradient, out, intoScale, intoShift } = task;
  const [rows, dimension] = x.shape as [number, number];
  const statistics = device.allocate(8 * rows);
  try {
    device.launch({
      kernel: "layerNormGradients",
      items: rows,
      grain: grainOf(32 * dimension),
      arguments: [
        x.address,
        scale.address,
        gradient.address,
        statistics.address,
        out.address,
        dimension,
        floatBits(task.epsilon),
      ],
      outputs: [out.storage, statistics],
      inputs: [x.storage, scale.storage, gradient.storage],
    });
    const { panel } = device.layout;
    device.launch({
      kernel: "layerNormParameters",
      items: Math.ceil(dimension / panel),
      grain: grainOf(16 * panel * rows),
      arguments: [
        x.address,
        gradient.address,
        statistics.address,
        intoScale.address,
        intoShift.address,
        rows,
        dimension,
      ],
      outputs: [intoScale.storage, intoShift.storage],
      inPlace: true,
      inputs: [x.storage, gradient.storage, statistics],
    });
  } finally {
    statistics.release();
  }
}

/** Zeroes values by a counter-based generator. */
export function dropOut(
  device: Device,
  x: Floats,
  out: Floats,
  rate: number,
  seed: number,
  call: number,
): void {
  device.launch({
    kernel: "dropout",
    items: Math.ceil(x.size / 4),
    grain: grainOf(256),
    arguments: [
      x.address,
      out.address,
      x.size,
      Math.ceil(rate * 2 ** 32),
      floatBits(1 / (1 - rate)),
      seed,
      call,
    ],
    outputs: [out.storage],
    inputs: [x.storage],
  });
}
