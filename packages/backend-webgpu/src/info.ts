import type { BackendInfo } from "@tessera/core";

/** What WebGPU tells about a GPU; browsers leave much of it empty. */
export interface AdapterFacts {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** It computes on the CPU. */
  readonly software: boolean;
}

export interface WebGpuInfo extends BackendInfo {
  readonly adapter: AdapterFacts;
  /** Whether kernels use subgroups. */
  readonly subgroups: boolean;
  /** The limits of the device that kernels depend on. */
  readonly limits: {
    readonly maxBufferSize: number;
    readonly maxStorageBufferBindingSize: number;
    readonly maxComputeWorkgroupStorageSize: number;
    readonly maxComputeInvocationsPerWorkgroup: number;
  };
}

/** Whether an adapter computes on the CPU. */
export function isSoftware({ isFallbackAdapter, architecture }: Partial<GPUAdapterInfo>): boolean {
  return isFallbackAdapter === true || architecture === "swiftshader";
}

export function describe(
  gpu: GPUDevice,
  adapter: Partial<GPUAdapterInfo>,
  { maxTensorBytes, subgroups }: Pick<WebGpuInfo, "maxTensorBytes" | "subgroups">,
): WebGpuInfo {
  const { vendor = "", architecture = "", device = "", description = "" } = adapter;
  const software = isSoftware(adapter);
  const {
    maxBufferSize,
    maxStorageBufferBindingSize,
    maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup,
  } = gpu.limits;
  const names = [vendor, architecture, description || device].filter((name) => name !== "");
  return {
    name: "webgpu",
    device: names.join(", ") || "a GPU that does not say its name",
    features: [...gpu.features].sort(),
    threads: 1,
    maxTensorBytes,
    subgroups,
    adapter: { vendor, architecture, device, description, software },
    limits: {
      maxBufferSize,
      maxStorageBufferBindingSize,
      maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup,
    },
    ...(software && {
      reason: "this adapter computes on the CPU, more slowly than the cpu backend",
    }),
  };
}
