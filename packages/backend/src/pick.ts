import {
  BackendError,
  type CompleteBackend,
  completeBackend,
  type ComputeBackend,
} from "@tessera/core";

/** Names that {@link pickBackend} and the environment variable `TESSERA_BACKEND` accept. */
export const BACKEND_NAMES = ["cpu"] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export interface PickOptions {
  /** Which backend. Without it: `TESSERA_BACKEND` where there is an environment, else `cpu`. */
  readonly name?: BackendName | undefined;
  /** Threads of the CPU backend. Default: `TESSERA_THREADS`, else as many as the machine offers. */
  readonly threads?: number | undefined;
}

/**
 * Makes a backend of its own for the caller, who disposes it.
 *
 * @throws {BackendError} for an unknown name, or where the backend cannot start
 */
export async function pickBackend(options: PickOptions = {}): Promise<CompleteBackend> {
  const name = options.name ?? environment("TESSERA_BACKEND") ?? "cpu";
  if (!(BACKEND_NAMES as readonly string[]).includes(name)) {
    throw new BackendError(`there is no backend "${name}"`, {
      hint: `choose one of: ${BACKEND_NAMES.join(", ")}`,
    });
  }
  // Loaded on first use, so that importing a quantizer loads no kernels.
  const { createCpuBackend } = await import("@tessera/backend-cpu");
  return completeBackend(
    await createCpuBackend(options.threads === undefined ? {} : { threads: options.threads }),
  );
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
