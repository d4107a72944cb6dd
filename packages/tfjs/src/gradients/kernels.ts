import {
  type KernelConfig,
  reshape,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tidy,
} from "@tensorflow/tfjs-core";
import { sumsByCode } from "../codebook/nearest.js";
import { Attributes } from "./config.js";
import { convolutionOf, filterGradient } from "./products.js";

/**
 * Kernels that gradients need and TensorFlow.js's wasm backend lacks, composed of others. TensorFlow.js's own gradients of
 * convolutions and of `gather` run them.
 */
export const wasmKernels: readonly KernelConfig[] = [
  {
    kernelName: "Conv2DBackpropFilter",
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs = {} }) => {
      const { x, dy } = inputs as { x: Tensor4D; dy: Tensor4D };
      const shape = new Attributes(attrs).get<[number, number, number, number]>("filterShape");
      return tidy(() => filterGradient(x, dy, shape, convolutionOf(attrs)));
    },
  },
  {
    kernelName: "UnsortedSegmentSum",
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs = {} }) => {
      const { x, segmentIds } = inputs as { x: Tensor; segmentIds: Tensor };
      const segments = new Attributes(attrs).get<number>("numSegments");
      const [count, ...rest] = x.shape;
      return tidy(() => {
        const rows: Tensor2D = reshape(x, [count!, x.size / count!]);
        return reshape(sumsByCode(rows, reshape(segmentIds, [count!]), segments), [
          segments,
          ...rest,
        ]);
      });
    },
  },
];
