import { UNIFORM_STRIDE, USAGE } from "./constants.js";
import type { Kernel } from "./kernel.js";
import { pipelineOf } from "./pipelines.js";

/** Dispatches that are handed to the GPU together, at most. Each hand-over costs as much as several small kernels. */
const BATCH = 64;
const STRIDE_WORDS = UNIFORM_STRIDE / 4;

/** Three numbers of workgroups. */
export type Workgroups = readonly [number, number, number];

/**
 * Records dispatches and copies, and submits them in batches: when one is full, when something has to be waited for, and
 * else at the end of the current task.
 */
export class Recorder {
  readonly #device: GPUDevice;
  readonly #subgroups: boolean;
  /** Parameters of the dispatches of one batch; writes to it wait for the batch before, as everything in the queue does. */
  readonly #uniforms: GPUBuffer;
  readonly #words = new Uint32Array(BATCH * STRIDE_WORDS);
  readonly #floats = new Float32Array(this.#words.buffer);
  #dispatches = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** Buffers that recorded commands may need, to be destroyed after them. */
  #doomed: GPUBuffer[] = [];

  /** @param subgroups whether kernels may use them */
  constructor(device: GPUDevice, subgroups: boolean) {
    this.#device = device;
    this.#subgroups = subgroups;
    this.#uniforms = device.createBuffer({
      size: this.#words.byteLength,
      usage: USAGE.uniform | USAGE.copyTarget,
    });
  }

  /** Enqueues one dispatch. `params` are those of the kernel's struct, in its order. */
  dispatch(
    kernel: Kernel,
    params: readonly number[],
    buffers: readonly GPUBufferBinding[],
    workgroups: Workgroups,
  ): void {
    if (this.#dispatches === BATCH) this.submit();
    const slot = this.#dispatches++;
    const firstFloat = kernel.inputs.length + kernel.updates.length;
    params.forEach((value, i) => {
      const at = slot * STRIDE_WORDS + i;
      const name = kernel.params[i - firstFloat];
      if (name !== undefined && kernel.floats.has(name)) this.#floats[at] = value;
      else this.#words[at] = value;
    });
    const { pipeline, layout } = pipelineOf(this.#device, kernel, this.#subgroups);
    const uniform = {
      buffer: this.#uniforms,
      offset: slot * UNIFORM_STRIDE,
      size: UNIFORM_STRIDE,
    };
    const bindGroup = this.#device.createBindGroup({
      layout,
      entries: [uniform, ...buffers].map((resource, binding) => ({
        binding,
        resource,
      })),
    });
    const pass = (this.#pass ??= this.#open().beginComputePass());
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  }

  /** Enqueues a copy; offsets and size are multiples of 4. */
  copy(from: GPUBuffer, offset: number, to: GPUBuffer, target: number, bytes: number): void {
    this.#betweenPasses().copyBufferToBuffer(from, offset, to, target, bytes);
  }

  /** Enqueues zeros; `bytes` is a multiple of 4. */
  clear(buffer: GPUBuffer, bytes: number): void {
    this.#betweenPasses().clearBuffer(buffer, 0, bytes);
  }

  /** Destroys the buffer once what is recorded no longer needs it. */
  destroyLater(buffer: GPUBuffer): void {
    if (this.#encoder) this.#doomed.push(buffer);
    else buffer.destroy();
  }

  submit(): void {
    const encoder = this.#encoder;
    if (!encoder) return;
    this.#endPass();
    this.#encoder = undefined;
    if (this.#dispatches > 0) {
      this.#device.queue.writeBuffer(
        this.#uniforms,
        0,
        this.#words,
        0,
        this.#dispatches * STRIDE_WORDS,
      );
      this.#dispatches = 0;
    }
    this.#device.queue.submit([encoder.finish()]);
    for (const buffer of this.#doomed) buffer.destroy();
    this.#doomed = [];
  }

  /** Forgets what is recorded. */
  destroy(): void {
    this.#encoder = undefined;
    this.#pass = undefined;
    this.#dispatches = 0;
    for (const buffer of this.#doomed) buffer.destroy();
    this.#uniforms.destroy();
  }

  #open(): GPUCommandEncoder {
    if (!this.#encoder) {
      this.#encoder = this.#device.createCommandEncoder();
      queueMicrotask(() => this.submit());
    }
    return this.#encoder;
  }

  #betweenPasses(): GPUCommandEncoder {
    this.#endPass();
    return this.#open();
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
