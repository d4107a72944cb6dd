import { BackendError } from "@tessera/core";
import type { WebGpuBackend } from "../src/backend.js";
import { createWebGpuBackend } from "../src/index.js";

/** A backend on this host's GPU, or why it has none. */
export async function tryToStart(): Promise<{
  readonly backend?: WebGpuBackend;
  readonly obstacle?: string;
}> {
  try {
    return { backend: await createWebGpuBackend() };
  } catch (error) {
    if (error instanceof BackendError) return { obstacle: error.message };
    throw error;
  }
}
