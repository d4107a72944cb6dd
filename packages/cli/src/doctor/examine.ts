import { BACKEND_NAMES, type BackendName } from "@tessera/backend";
import { BackendError, type BackendInfo } from "@tessera/core";
import { type BackendChoice, type Context, withBackend } from "../context.js";
import { grouped } from "../text.js";
import { measureAssign } from "./measure.js";

/** A backend that starts: what it is and how fast. */
export interface Present {
  readonly backend: BackendInfo;
  readonly assignGflops: number;
}

/** A backend that does not start: why, and what to do. */
export interface Absent {
  readonly name: BackendName;
  readonly problem: string;
  readonly remedy: string | undefined;
}

/** The backend that a command with these options computes on. */
export async function examinePicked(options: BackendChoice, context: Context): Promise<Present> {
  return withBackend(options, async (backend) => ({
    backend: backend.info,
    assignGflops: rounded(await measureAssign(backend, context)),
  }));
}

/** The backends that were not picked. */
export async function examineOthers(
  picked: BackendInfo,
  context: Context,
): Promise<((Present & { readonly name: BackendName }) | Absent)[]> {
  const others = [];
  for (const name of BACKEND_NAMES) {
    if (picked.name.startsWith(name)) continue;
    try {
      const { backend, assignGflops } = await examinePicked({ backend: name }, context);
      others.push({ name, backend, assignGflops });
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      others.push({ name, problem: error.message, remedy: error.hint });
    }
  }
  return others;
}

/** What a person is told of a backend, as label and text. */
export function linesOf({ backend, assignGflops }: Present): [string, string][] {
  const { device, features, reason } = backend;
  return [
    ["adapter" in backend ? "adapter" : "device", device],
    ["features", features.join(", ") || "none"],
    ["limits", limitsOf(backend)],
    ["speed", `${assignGflops} GFLOP/s`],
    ...(reason === undefined ? [] : [["why", reason] as [string, string]]),
  ];
}

/** The limits that WebGPU tells beside the size of tensors. */
interface GpuLimits {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupStorageSize: number;
}

function limitsOf(info: BackendInfo): string {
  const tensors = `tensors up to ${grouped(Math.round(info.maxTensorBytes / 2 ** 20))} MiB`;
  const { limits } = info as { readonly limits?: Partial<GpuLimits> };
  const { maxComputeInvocationsPerWorkgroup: lanes, maxComputeWorkgroupStorageSize: bytes } =
    limits ?? {};
  if (lanes === undefined || bytes === undefined) return tensors;
  return `${tensors}, workgroups of ${grouped(lanes)} with ${bytes / 1024} KiB`;
}

function rounded(gflops: number): number {
  return gflops < 1 ? Math.round(gflops * 1000) / 1000 : Math.round(gflops * 10) / 10;
}
