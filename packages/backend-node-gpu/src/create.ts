import { ArgumentError } from "@tessera/core";
import { TensorflowBackend } from "./backend.js";
import { Engine } from "./engine.js";
import type { TensorflowInfo } from "./info.js";
import { loadAddon, type LoadOptions } from "./load.js";

export interface TensorflowBackendOptions extends LoadOptions {
  /**
   * Bytes that a kernel may use for what lies between its input and its result: it takes as many rows at a time as fit.
   * Results do not depend on it, but for sums over rows, whose order it sets. Default: 8 MiB on the CPU, so that it stays in
   * the caches, and 512 MiB on a GPU.
   */
  readonly workspaceBytes?: number | undefined;
}

/** TensorFlow's own setting for the threads of an operation, which it reads when it is loaded. */
const THREADS_VARIABLE = "TF_NUM_INTRAOP_THREADS";

/** Some of TensorFlow's kernels count elements in 32 bits. */
const MAX_TENSOR_BYTES = 2 ** 31;

/**
 * Starts the backend on TensorFlow: on the first GPU that it finds, else on the CPU.
 *
 * @throws {BackendError} where it is not installed or does not load; the hint says what to install
 * @throws {ArgumentError} for a `workspaceBytes` below 1
 */
export async function createTensorflowBackend(
  options: TensorflowBackendOptions = {},
): Promise<TensorflowBackend> {
  const { addon, name, environment, cores } = loadAddon(options);
  const gpu = addon.isUsingGpuDevice();
  const workspaceBytes = options.workspaceBytes ?? (gpu ? 512 : 8) * 2 ** 20;
  if (!(workspaceBytes >= 1)) {
    throw new ArgumentError(`workspaceBytes is ${workspaceBytes}; it must be at least 1`);
  }
  const info: TensorflowInfo = {
    name: "tensorflow",
    device: `TensorFlow ${addon.TF_Version} on ${gpu ? "a GPU (CUDA)" : "the CPU"}`,
    features: gpu ? ["cuda"] : [],
    threads: gpu ? 1 : Number(environment[THREADS_VARIABLE]) || cores,
    maxTensorBytes: MAX_TENSOR_BYTES,
    tensorflow: addon.TF_Version,
    module: name,
    workspaceBytes,
  };
  return new TensorflowBackend({ engine: new Engine(addon), bytes: workspaceBytes }, info);
}
