import {
  BackendError,
  type CompleteBackend,
  completeBackend,
  type ComputeBackend,
} from "@tessera/core";
import { detourOf, fastestFor, type Work } from "./by-size.js";

/** Names that {@link pickBackend} and the environment variable `TESSERA_BACKEND` accept. */
export const BACKEND_NAMES = ["cpu", "webgpu", "tensorflow"] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export interface PickOptions {
  /**
   * Which backend; of several, the first that starts and does not compute on the CPU by a detour, as WebGPU without a GPU
   * does. Without it: `TESSERA_BACKEND` (such as `webgpu` or `webgpu,cpu`) where there is an environment, else `cpu`.
   */
  readonly name?: BackendName | readonly BackendName[] | undefined;
  /**
   * What is to be computed. Where neither `name` nor `TESSERA_BACKEND` says which backend, large work goes to a GPU, by
   * WebGPU or by TensorFlow with CUDA, if one is there and, tried on a sample, is clearly faster. Without it nothing is tried, and it is the CPU.
   */
  readonly work?: Work | undefined;
  /** Threads of the CPU backend. Default: `TESSERA_THREADS`, else as many as the machine offers. */
  readonly threads?: number | undefined;
}

/**
 * Makes a backend of its own for the caller, who disposes it. Where there was a choice, by `work` or by several names,
 * `info.reason` says why it is this one.
 *
 * @throws {BackendError} for an unknown name, or where no backend of those can start
 */
export async function pickBackend(options: PickOptions = {}): Promise<CompleteBackend> {
  const names = wantedNames(options.name);
  if (names === undefined) return pickUnnamed(options);
  const reasons: string[] = [];
  for (const [i, name] of names.entries()) {
    const last = i === names.length - 1;
    try {
      const backend = await START[name](options);
      const detour = last ? undefined : detourOf(backend);
      if (detour === undefined) return explained(completeBackend(backend), reasons);
      backend.dispose();
      reasons.push(detour);
    } catch (error) {
      if (last || !(error instanceof BackendError)) throw error;
      reasons.push(`${name}: ${error.message}`);
    }
  }
  throw new BackendError("no backend was named", {
    hint: `name one of: ${BACKEND_NAMES.join(", ")}`,
  });
}

/** Backends are loaded on first use, so that importing a quantizer loads no kernels. */
const START: { readonly [N in BackendName]: (options: PickOptions) => Promise<ComputeBackend> } = {
  async cpu({ threads }) {
    const { createCpuBackend } = await import("@tessera/backend-cpu");
    return createCpuBackend(threads === undefined ? {} : { threads });
  },
  async webgpu() {
    const { createWebGpuBackend } = await import("@tessera/backend-webgpu");
    return createWebGpuBackend();
  },
  async tensorflow() {
    const { createTensorflowBackend } = await import("@tessera/backend-node-gpu");
    return createTensorflowBackend();
  },
};

async function pickUnnamed(options: PickOptions): Promise<CompleteBackend> {
  const cpu = () => START.cpu(options);
  if (options.work === undefined) return completeBackend(await cpu());
  const rivals = [() => START.webgpu(options), () => START.tensorflow(options)];
  const { backend, reason } = await fastestFor(options.work, { cpu, rivals });
  return explained(backend, [reason]);
}

/** The names that the caller or else the environment gives. */
function wantedNames(option: PickOptions["name"]): readonly BackendName[] | undefined {
  const names = option ?? environment("TESSERA_BACKEND")?.split(",");
  if (names === undefined) return undefined;
  const list = typeof names === "string" ? [names] : names;
  const unknown = list.find((name) => !(BACKEND_NAMES as readonly string[]).includes(name));
  if (unknown !== undefined) {
    throw new BackendError(`there is no backend "${unknown}"`, {
      hint: `choose one of: ${BACKEND_NAMES.join(", ")}`,
    });
  }
  return list as readonly BackendName[];
}

/** The backend, with reasons before its own. */
function explained(backend: CompleteBackend, reasons: readonly string[]): CompleteBackend {
  if (reasons.length === 0) return backend;
  const own = backend.info.reason === undefined ? [] : [backend.info.reason];
  const value = { ...backend.info, reason: [...reasons, ...own].join("; ") };
  return completeBackend(Object.create(backend, { info: { value } }) as CompleteBackend);
}

let shared: Promise<CompleteBackend> | undefined;

/** The backend that everything uses which is given none: made on first use, shared, never disposed. */
export function defaultBackend(): Promise<CompleteBackend> {
  shared ??= pickBackend().catch((error: unknown) => {
    // A failed start must not be remembered: the next call may succeed.
    shared = undefined;
    throw error;
  });
  return shared;
}

/** The caller's backend with its optional kernels completed, or the default one. */
export async function resolveBackend(backend?: ComputeBackend): Promise<CompleteBackend> {
  return backend === undefined ? defaultBackend() : completeBackend(backend);
}

function environment(name: string): string | undefined {
  const value = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process
    ?.env?.[name];
  return value === "" ? undefined : value;
}
