import { getGradient, registerGradient } from "@tensorflow/tfjs-core";
import { elementwise } from "./elementwise.js";
import { images } from "./images.js";
import { products } from "./products.js";
import { reductions } from "./reductions.js";
import { shapes } from "./shapes.js";

export interface RegisterGradientsOptions {
  /**
   * Whether gradients that are there are replaced. Default `false`. TensorFlow.js's own gradients of convolutions and of
   * `gather` use kernels that its wasm backend lacks; these do not.
   */
  readonly replace?: boolean | undefined;
}

/**
 * Registers gradients of the kernels that networks about these quantizers are made of: element-wise arithmetic and
 * activations, reductions, softmax, `matMul`, `conv2d`, `conv2dTranspose`, `maxPool`, nearest-neighbour resizing, and what moves
 * elements. `@tensorflow/tfjs-core` on its own registers none, and its file of all gradients cannot be imported in Node.
 *
 * Not needed beside `@tensorflow/tfjs` or `@tensorflow/tfjs-layers`, which bring theirs.
 *
 * @returns the names of the kernels whose gradients were registered now
 */
export function registerGradients({ replace = false }: RegisterGradientsOptions = {}): string[] {
  const all = [...elementwise, ...reductions, ...shapes, ...products, ...images];
  // TypeScript's declaration promises a gradient for every name.
  const missing = all.filter(
    ({ kernelName }) => replace || (getGradient(kernelName) as unknown) === undefined,
  );
  for (const gradient of missing) registerGradient(gradient);
  return missing.map(({ kernelName }) => kernelName);
}
