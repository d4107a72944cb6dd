import { medianSeconds } from "./measure.mjs";

const LANES = 256;
/** Chains of multiply-adds per lane, independent of one another, so that their latency is hidden. */
const CHAINS = 8;

const STREAM = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sink: array<vec4f>;
@compute @workgroup_size(${LANES})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < arrayLength(&sink); i += groups.x * ${LANES}u) { sink[i] = source[i]; }
}`;

const multiplyAdd = (steps) => `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> sink: array<vec4f>;
@compute @workgroup_size(${LANES})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let a = source[0];
  ${chains((c) => `var s${c} = source[${c}u];`)}
  for (var i = 0u; i < ${steps / CHAINS}u; i++) { ${chains((c) => `s${c} = fma(s${c}, a, a);`)} }
  sink[id.x % arrayLength(&sink)] = ${Array.from({ length: CHAINS }, (_, c) => `s${c}`).join(" + ")};
}`;

function chains(line) {
  return Array.from({ length: CHAINS }, (_, c) => line(c)).join(" ");
}

/**
 * What the card does at most, measured in WGSL as our kernels are: float32 multiply-adds, and bytes that a copy reads and
 * writes.
 */
export async function measureRoofline(gpu, { rounds, roofline: { floats, lanes, steps } }) {
  const usage = GPU_STORAGE | GPU_COPY_TARGET;
  const source = gpu.createBuffer({ size: 4 * floats, usage });
  const sink = gpu.createBuffer({ size: 4 * floats, usage });
  const time = async (code, workgroups) => {
    const pipeline = await gpu.createComputePipelineAsync({
      layout: "auto",
      compute: { module: gpu.createShaderModule({ code }), entryPoint: "main" },
    });
    const bindings = gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [source, sink].map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    return medianSeconds(rounds, async () => {
      const encoder = gpu.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindings);
      pass.dispatchWorkgroups(workgroups);
      pass.end();
      gpu.queue.submit([encoder.finish()]);
      await gpu.queue.onSubmittedWorkDone();
    });
  };
  const copy = await time(STREAM, Math.min(65_535, Math.ceil(floats / 4 / LANES)));
  const arithmetic = await time(multiplyAdd(steps), lanes / LANES);
  source.destroy();
  sink.destroy();
  return {
    gigabytesPerSecond: (2 * 4 * floats) / copy / 1e9,
    gflops: (2 * 4 * lanes * steps) / arithmetic / 1e9,
  };
}

/** GPUBufferUsage, which Node has not as a global. */
const GPU_STORAGE = 0x80;
const GPU_COPY_TARGET = 0x08;
