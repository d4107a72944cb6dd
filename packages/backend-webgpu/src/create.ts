import { BackendError, throwIfAborted } from "@tessera/core";
import { WebGpuBackend } from "./backend.js";
import { Device } from "./device.js";
import { findGpu, isNode } from "./find-gpu.js";
import { describe } from "./info.js";

export interface WebGpuBackendOptions {
  /**
   * A device to work on, which the backend does not destroy; `adapterInfo` names it where the device does not. Default: a
   * new device, destroyed with the backend.
   */
  readonly device?: GPUDevice | undefined;
  readonly adapterInfo?: GPUAdapterInfo | undefined;
  /** Which GPU, where there are several. Default: `high-performance`. */
  readonly powerPreference?: "high-performance" | "low-power" | undefined;
  /** The most bytes of a tensor that a kernel is given at once, for tests of what takes more. Default: the device's limit. */
  readonly maxBindingBytes?: number | undefined;
  /** Gives up starting. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** Features that the device gets where the adapter has them: TensorFlow.js times its kernels with this one. Ours need none. */
const FEATURES: readonly GPUFeatureName[] = ["timestamp-query"];

/**
 * Starts the WebGPU backend: on the browser's WebGPU, or in Node on that of the package `webgpu`.
 *
 * @throws {BackendError} where there is no WebGPU or no GPU; its hint says what to install
 * @throws {AbortedError} if `signal` fires before the backend is ready
 */
export async function createWebGpuBackend(
  options: WebGpuBackendOptions = {},
): Promise<WebGpuBackend> {
  const { signal } = options;
  throwIfAborted(signal);
  if (options.device)
    return backendOn(options.device, options.adapterInfo, false, options.maxBindingBytes);
  const gpu = await findGpu();
  const adapter = await gpu.requestAdapter({
    powerPreference: options.powerPreference ?? "high-performance",
  });
  if (!adapter) throw noAdapter();
  const device = await openDevice(adapter);
  if (signal?.aborted) device.destroy();
  throwIfAborted(signal);
  return backendOn(device, adapter.info, true, options.maxBindingBytes);
}

function backendOn(
  gpu: GPUDevice,
  adapter: GPUAdapterInfo | undefined,
  owned: boolean,
  maxBindingBytes: number | undefined,
): WebGpuBackend {
  const device = new Device(gpu, owned, maxBindingBytes);
  // Older browsers do not say of a device what adapter it is of.
  const facts = adapter ?? (gpu.adapterInfo as GPUAdapterInfo | undefined) ?? {};
  return new WebGpuBackend(device, describe(gpu, facts, device.maxBytes));
}

/** A device with the adapter's own limits; the defaults would keep tensors to 128 MiB. */
async function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const { limits } = adapter;
  try {
    return await adapter.requestDevice({
      label: "tessera",
      requiredFeatures: FEATURES.filter((name) => adapter.features.has(name)),
      requiredLimits: {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
        maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
        maxComputeWorkgroupSizeX: limits.maxComputeWorkgroupSizeX,
        maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
      },
    });
  } catch (error) {
    throw new BackendError(`the GPU gave no device: ${(error as Error).message}`, {
      hint: "close what else uses the GPU, or use the cpu backend",
      cause: error,
    });
  }
}

function noAdapter(): BackendError {
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
