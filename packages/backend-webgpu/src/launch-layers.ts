import type { Activation } from "@tessera/core";
import { type Device, flat, tiled } from "./device.js";
import { ACTIVATIONS } from "./kernels/activation.js";
import { boundGradientKernel } from "./kernels/bound.js";
import { dropoutKernel } from "./kernels/dropout.js";
import { layerNormGradientsKernel, layerNormKernel } from "./kernels/layer-norm.js";
import { sumSomeColumns } from "./launch-dense.js";
import { flattened, inParts } from "./parts.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

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
  const { scale, shift, epsilon, activation, ...all } = task;
  const columns = all.x.shape[1]!;
  inParts(device, all, ({ x, out, pre }) => {
    const rows = x.shape[0]!;
    device.run(layerNormKernel, {
      inputs: { x, scale, shift },
      outputs: { out, pre: pre ?? device.spare },
      params: {
        rows,
        columns,
        epsilon,
        activation: ACTIVATIONS.indexOf(activation),
        keepsPre: pre ? 1 : 0,
      },
      workgroups: tiled(rows, 1),
    });
    device.settle({ inputs: [x, scale, shift], outputs: pre ? [out, pre] : [out] });
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
  const { scale, epsilon, intoScale, intoShift, ...all } = task;
  const columns = all.x.shape[1]!;
  inParts(device, all, ({ x, gradient, out }, first) => {
    const rows = x.shape[0]!;
    const statistics = device.allocate(8 * rows);
    device.run(layerNormGradientsKernel, {
      inputs: { x, scale, gradient },
      outputs: { out, statistics },
      params: { rows, columns, epsilon },
      workgroups: tiled(rows, 1),
    });
    const products = { x, statistics, into: intoScale };
    sumSomeColumns(device, gradient, intoShift, first > 0, products);
    statistics.release();
  });
  const { x, gradient, out } = all;
  device.settle({ inputs: [x, scale, gradient], outputs: [out] });
  for (const into of [intoScale, intoShift]) {
    device.settle({ inputs: [into, x, gradient], outputs: [into] });
  }
}

/** Zeroes values by a counter-based generator. */
export function dropOut(
  device: Device,
  input: Floats,
  output: Floats,
  rate: number,
  seed: number,
  call: number,
): void {
  const values = { x: flattened(input), out: flattened(output) };
  inParts(device, values, ({ x, out }, first) => {
    const items = Math.ceil(x.size / 4);
    device.run(dropoutKernel, {
      inputs: { x },
      outputs: { out },
      params: {
        items,
        values: x.size,
        firstBlock: first / 4,
        threshold: Math.ceil(rate * 2 ** 32),
        scale: 1 / (1 - rate),
        seed,
        call,
      },
      workgroups: flat(items),
    });
    device.settle({ inputs: [x], outputs: [out] });
  });
}

export interface BoundTask {
  readonly z: Floats;
  readonly gradient: Floats;
  readonly shift: Floats;
  readonly slope: Floats;
  readonly out: Floats;
}

/** Gradients back through a bound. */
export function boundGradients(device: Device, { shift, slope, ...all }: BoundTask): void {
  const columns = all.z.shape[1]!;
  inParts(device, all, ({ z, gradient, out }) => {
    device.run(boundGradientKernel, {
      inputs: { z, gradient, shift, slope },
      outputs: { out },
      params: { items: z.size, columns },
      workgroups: flat(z.size),
    });
    device.settle({ inputs: [z, gradient, shift, slope], outputs: [out] });
  });
}
