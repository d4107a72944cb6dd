import { engine, type GradConfig, type NamedTensorMap, type Tensor } from "@tensorflow/tfjs-core";

/** Max pooling and resizing, whose gradients are kernels of every backend. */
export const images: readonly GradConfig[] = [
  {
    kernelName: "MaxPool",
    inputsToSave: ["x"],
    outputsToSave: [true],
    gradFunc: (dy, [input, output], attrs) => ({
      x: () => run("MaxPoolGrad", { dy: dy as Tensor, input: input!, output: output! }, attrs),
    }),
  },
  {
    kernelName: "ResizeNearestNeighbor",
    inputsToSave: ["images"],
    gradFunc: (dy, [resized], attrs) => ({
      images: () => run("ResizeNearestNeighborGrad", { dy: dy as Tensor, images: resized! }, attrs),
    }),
  },
];

function run(
  kernel: string,
  inputs: NamedTensorMap,
  attributes: Parameters<GradConfig["gradFunc"]>[2],
): Tensor {
  return engine().runKernel(kernel, inputs, attributes);
}
