import { STAGE_COMPUTE } from "./constants.js";
import type { Kernel } from "./kernel.js";

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Compiled kernels. Backends on one device share them, since compiling takes longer than most kernels. */
const compiled = new WeakMap<GPUDevice, Map<string, Pipeline>>();

/**
 * The kernel, compiled for the device on first use.
 *
 * @param subgroups whether it may use them
 */
export function pipelineOf(device: GPUDevice, kernel: Kernel, subgroups: boolean): Pipeline {
  const code = (subgroups ? kernel.subgroupCode : undefined) ?? kernel.code;
  let known = compiled.get(device);
  if (!known) compiled.set(device, (known = new Map<string, Pipeline>()));
  let pipeline = known.get(code);
  if (!pipeline) known.set(code, (pipeline = compile(device, kernel, code)));
  return pipeline;
}

function compile(device: GPUDevice, kernel: Kernel, code: string): Pipeline {
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
      module: device.createShaderModule({ label: kernel.name, code }),
      entryPoint: "main",
    },
  });
  return { pipeline, layout };
}
