import { getGradient, getKernel, registerGradient, registerKernel } from "@tensorflow/tfjs-core";
import { elementwise } from "./elementwise.js";
import { images } from "./images.js";
import { wasmKernels } from "./kernels.js";
import { products } from "./products.js";
import { reductions } from "./reductions.js";
import { shapes } from "./shapes.js";

/**
 * Makes TensorFlow.js differentiate what networks about these quantizers are made of: element-wise arithmetic and
 * activations, reductions, softmax, `matMul`, `conv2d`, `conv2dTranspose`, `maxPool`, nearest-neighbour resizing, and what
 * moves elements. `@tensorflow/tfjs-core` on its own has no gradients, and its file of all cannot be imported in Node.
 *
 * Beside `@tensorflow/tfjs` or `@tensorflow/tfjs-layers`, which bring theirs, it is needed on the wasm backend alone: that
 * lacks two kernels of gradients, by which convolutions and `gather` could not be trained there; they are registered too.
 *
 * Nothing that is registered already is replaced.
 *
 * @returns the names of the kernels whose gradients are registered now
 */
export function registerGradients(): string[] {
  // TypeScript's declarations promise an entry for every name.
  const kernels = wasmKernels.filter(
    ({ kernelName, backendName }) => (getKernel(kernelName, backendName) as unknown) === undefined,
  );
  for (const kernel of kernels) registerKernel(kernel);
  const gradients = [...elementwise, ...reductions, ...shapes, ...products, ...images].filter(
    ({ kernelName }) => (getGradient(kernelName) as unknown) === undefined,
  );
  for (const gradient of gradients) registerGradient(gradient);
  return gradients.map(({ kernelName }) => kernelName);
}
