import { STAGE_COMPUTE } from "./constants.js";
import type { Kernel } from "./kernel.js";

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compiled kernels. Backends on one device share them, since compiling takes longer than most kernels. */
const compiled = new WeakMap<GPUDevice, Map<Kernel, Pipeline>>();

/** The kernel, compiled for the device on first use. */
export function pipelineOf(device: GPUDevice, kernel: Kernel): Pipeline {
  let known = compiled.get(device);
  if (!known) compiled.set(device, (known = new Map<Kernel, Pipeline>()));
  let pipeline = known.get(kernel);
  if (!pipeline) known.set(kernel, (pipeline = compile(device, kernel)));
  return pipeline;
}

function compile(device: GPUDevice, kernel: Kernel): Pipeline {
  const types: GPUBufferBindingType[] = [
    "uniform",
    ...kernel.inputs.map(() => "read-only-storage" as const),
    ...[...kernel.updates, ...kernel.outputs].map(() => "storage" as const),
    ...(kernel.faulty ? (["storage"] as const) : []),
  ];
  const layout = device.createBindGroupLayout({
    label: kernel.name,
    entries: types.map((type, binding) => ({
      binding,
      visibility: STAGE_COMPUTE,
      buffer: { type },
    })),
  });
  const pipeline = device.createComputePipeline({
    label: kernel.name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: {
      module: device.createShaderModule({ label: kernel.name, code: kernel.code }),
      entryPoint: "main",
    },
  });
  return { pipeline, layout };
}
