import { BackendError, throwIfAborted } from "@tessera/core";
import { WebGpuBackend } from "./backend.js";
import { Device } from "./device.js";
import { findGpu, noAdapter } from "./find-gpu.js";
import { describe, isSoftware } from "./info.js";

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
  /**
   * Whether kernels use subgroups where the device has them: they save barriers, and change no bit of a result. Default: true,
   * except on software adapters, whose subgroups are small and whose barriers cost little.
   */
  readonly subgroups?: boolean | undefined;
  /** Gives up starting. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** Features that the device gets where the adapter has them, of which kernels need none. TensorFlow.js times its own with the second. */
const FEATURES: readonly GPUFeatureName[] = ["subgroups", "timestamp-query"];

/** The feature of WGSL without which lanes cannot be told from one another by their subgroup. */
const SUBGROUP_ID = "subgroup_id";

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
  if (options.device) {
    // Somebody else's device may be of a WebGPU that is not to be found here.
    const gpu = await findGpu().catch(() => undefined);
    return backendOn(options.device, options.adapterInfo, false, gpu, options);
  }
  const gpu = await findGpu();
  const adapter = await gpu.requestAdapter({
    powerPreference: options.powerPreference ?? "high-performance",
  });
  if (!adapter) throw noAdapter();
  const device = await openDevice(adapter);
  if (signal?.aborted) device.destroy();
  throwIfAborted(signal);
  return backendOn(device, adapter.info, true, gpu, options);
}

function backendOn(
  device: GPUDevice,
  adapter: GPUAdapterInfo | undefined,
  owned: boolean,
  gpu: GPU | undefined,
  options: WebGpuBackendOptions,
): WebGpuBackend {
  // Older browsers have no such set.
  const language: ReadonlySet<string> | undefined = gpu?.wgslLanguageFeatures;
  const able = device.features.has("subgroups") && language?.has(SUBGROUP_ID) === true;
  // Older browsers do not say of a device what adapter it is of.
  const facts = adapter ?? (device.adapterInfo as GPUAdapterInfo | undefined) ?? {};
  const subgroups = able && (options.subgroups ?? !isSoftware(facts));
  const own = new Device(device, { owned, subgroups, maxBinding: options.maxBindingBytes });
  const info = describe(device, facts, { maxTensorBytes: own.maxBytes, subgroups });
  return new WebGpuBackend(own, info);
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
