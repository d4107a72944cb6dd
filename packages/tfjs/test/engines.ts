import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { createWebGpuBackend } from "@tessera/backend-webgpu";
import { findAdapter } from "../../backend-webgpu/test/adapter.js";

/** A TensorFlow.js backend to test on. */
export interface Engine {
  readonly name: string;
  /** Why it is not there, if so. */
  readonly obstacle: string | undefined;
  /** Makes it the current one. */
  use(): Promise<void>;
}

const cpu: Engine = { name: "cpu", obstacle: undefined, use: () => select("cpu") };

const wasm: Engine = {
  name: "wasm",
  obstacle: undefined,
  async use() {
    await import("@tensorflow/tfjs-backend-wasm");
    await select("wasm");
  },
};

/** TensorFlow.js's WebGPU backend, in Node through Dawn. */
async function findWebGpu(): Promise<Engine> {
  const obstacle = await findAdapter();
  let name: string | undefined;
  return {
    name: `webgpu${obstacle === undefined ? "" : ` (${obstacle})`}`,
    obstacle,
    async use() {
      if (name === undefined) {
        const { shareWithTfjs } = await import("@tessera/backend-webgpu/tfjs");
        ({ name } = await shareWithTfjs(await createWebGpuBackend()));
        // Small tensors would be computed on the CPU.
        tf.env().set("WEBGPU_CPU_FORWARD", false);
      }
      await select(name);
    },
  };
}

async function select(name: string): Promise<void> {
  if (!(await tf.setBackend(name))) throw new Error(`TensorFlow.js has no backend ${name}`);
}

export const engines: readonly Engine[] = [cpu, wasm, await findWebGpu()];

/** The values of a tensor. */
export async function valuesOf(tensor: tf.Tensor): Promise<number[]> {
  return [...(await tensor.data())];
}
