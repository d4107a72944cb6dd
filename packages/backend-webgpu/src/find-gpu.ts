import { BackendError } from "@tessera/core";
import { hasVulkanDriver } from "./vulkan.js";

/** The part of the package `webgpu` (Dawn for Node) that is used. */
interface DawnModule {
  create(options: readonly string[]): GPU;
  /** What browsers have as globals. */
  readonly globals: object;
}

let dawn: GPU | undefined;

/**
 * WebGPU of the host: the browser's (or Deno's), else that of the package `webgpu`.
 *
 * @throws {BackendError} that says what to install, also where Dawn would find no driver
 */
export async function findGpu(): Promise<GPU> {
  const own = (globalThis as { readonly navigator?: { readonly gpu?: GPU } }).navigator?.gpu;
  if (own) return own;
  if (!isNode()) {
    throw new BackendError("this browser has no WebGPU", {
      hint: "use a browser with WebGPU over https or on localhost, or the cpu backend",
    });
  }
  if (dawn) return dawn;
  const { create } = await loadDawn();
  if (process.platform === "linux" && !(await hasVulkanDriver())) throw noAdapter();
  // One for the process: it lives as long as the process in any case.
  dawn ??= create([]);
  return dawn;
}

export function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string } } };
  return process?.versions?.node !== undefined;
}

/** @param name by which bundlers do not find the package, since it is optional and for Node alone */
export async function loadDawn(name = "webgpu"): Promise<DawnModule> {
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as DawnModule;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const missing = code === "ERR_MODULE_NOT_FOUND";
    throw new BackendError(
      missing
        ? "Node has no WebGPU of its own, and the package webgpu is not installed"
        : `the package webgpu does not load: ${message}`,
      { hint: "npm install webgpu@0.6.2, or use the cpu backend", cause: error },
    );
  }
}

export function noAdapter(): BackendError {
  if (!isNode()) {
    return new BackendError("WebGPU finds no GPU", {
      hint: "turn on hardware acceleration in the browser, or use the cpu backend",
    });
  }
  return new BackendError("WebGPU finds no GPU", {
    hint:
      process.platform === "linux"
        ? "install your GPU's Vulkan driver and libvulkan1 (Debian: apt-get install libvulkan1), or use the cpu backend"
        : "update your GPU's driver, or use the cpu backend",
  });
}
