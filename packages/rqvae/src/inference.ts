import {
  type Activation,
  BackendError,
  batchesOf,
  type CompleteBackend,
  type Matrix,
  type Tensor,
  throwIfAborted,
} from "@tessera/core";
import { NORM_EPSILON } from "./network.js";

/** A layer's parameters on the host. */
export interface HostLayer {
  /** `[out, in]` */
  readonly weight: Matrix;
  /** `[1, out]` */
  readonly bias: Matrix;
  /** Both `[1, out]`. */
  readonly norm: { readonly scale: Matrix; readonly shift: Matrix } | undefined;
  readonly activation: Activation;
}

/** Values of a block on the device: 16 MiB. */
const BLOCK_VALUES = 2 ** 22;

type Floats = Tensor<"float32">;

/**
 * Runs rows through layers, block by block. What becomes of a row does not depend on the rows around it.
 *
 * @param rows `[n, in]`
 * @param skip whether the rows are added to what the layers make
 * @throws {BackendError} if the backend lacks a kernel that the layers need
 */
export async function runLayers(
  backend: CompleteBackend,
  layers: readonly HostLayer[],
  rows: Matrix,
  skip: boolean,
  signal: AbortSignal | undefined,
): Promise<Matrix> {
  const widest = Math.max(rows.cols, ...layers.map(({ weight }) => weight.rows));
  const cols = layers.at(-1)!.weight.rows;
  const result = { data: new Float32Array(rows.rows * cols), rows: rows.rows, cols };
  const held = layers.map((layer) => upload(backend, layer));
  let at = 0;
  try {
    for await (const block of batchesOf(rows, Math.ceil(BLOCK_VALUES / widest), signal)) {
      const y = backend.scope(() => {
        const x = backend.tensor(block.data, [block.rows, block.cols]);
        const made = held.reduce((input, layer) => applyLayer(backend, layer, input), x);
        return skip ? backend.combine(x, made, 1, 1) : made;
      });
      const read = y.read();
      y.dispose();
      const values = await read;
      throwIfAborted(signal);
      result.data.set(values, at);
      at += values.length;
    }
  } finally {
    for (const { tensors } of held) for (const tensor of tensors) tensor.dispose();
  }
  return result;
}

interface DeviceLayer {
  readonly weight: Floats;
  readonly bias: Floats;
  readonly norm: { readonly scale: Floats; readonly shift: Floats } | undefined;
  readonly activation: Activation;
  readonly tensors: readonly Floats[];
}

function upload(backend: CompleteBackend, layer: HostLayer): DeviceLayer {
  const weight = backend.tensor(layer.weight.data, [layer.weight.rows, layer.weight.cols]);
  const bias = backend.tensor(layer.bias.data);
  const norm = layer.norm && {
    scale: backend.tensor(layer.norm.scale.data),
    shift: backend.tensor(layer.norm.shift.data),
  };
  const tensors = [weight, bias, ...(norm ? [norm.scale, norm.shift] : [])];
  return { weight, bias, norm, activation: layer.activation, tensors };
}

function applyLayer(backend: CompleteBackend, layer: DeviceLayer, x: Floats): Floats {
  const { weight, bias, norm, activation } = layer;
  if (norm) {
    const product = backend.matmul(x, weight, { transposeB: true, bias });
    const options = { epsilon: NORM_EPSILON, activation };
    return kernel(backend, "layerNorm")(product, norm, options).output;
  }
  // Any backend has these two.
  if (activation === "none" || activation === "relu") {
    return backend.matmul(x, weight, { transposeB: true, bias, activation });
  }
  return kernel(backend, "linear")(x, weight, { bias, activation }).output;
}

function kernel<K extends "linear" | "layerNorm">(
  backend: CompleteBackend,
  name: K,
): NonNullable<CompleteBackend[K]> {
  const found = backend[name];
  if (found) return found.bind(backend) as NonNullable<CompleteBackend[K]>;
  throw new BackendError(`${backend.info.name} has no ${name}, which this autoencoder needs`, {
    hint: 'use the CPU backend, or train with relu and without norm: "layer"',
  });
}
