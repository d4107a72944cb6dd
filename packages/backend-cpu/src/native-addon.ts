import type * as nodeModule from "node:module";
import type { Layout } from "./grain.js";

/** The engine as the addon gives it; `addon.c` of the kernels says what each does. */
export interface Addon {
  /** The instruction sets of this machine that it has kernels for, best first. */
  variants(): (Layout & { readonly name: string })[];
  open(
    variant: string,
    kernels: readonly string[],
    threads: number,
    bytes: number,
    words: Float64Array,
    onProgress: () => void,
  ): { readonly device: AddonDevice; readonly base: number };
  commit(device: AddonDevice, bytes: number): boolean;
  enqueue(device: AddonDevice): boolean;
  completed(device: AddonDevice): number;
  write(device: AddonDevice, address: number, data: ArrayBufferView): void;
  read(device: AddonDevice, address: number, target: ArrayBufferView): void;
  addressOf(data: ArrayBufferView): number;
  keepAlive(device: AddonDevice, yes: boolean): void;
  close(device: AddonDevice): void;
}

declare const opaque: unique symbol;
/** A device of the addon: threads and memory. */
export interface AddonDevice {
  readonly [opaque]: true;
}

/** The addon, or why there is none; neither where addons are unheard of. */
export type AddonSearch =
  | { readonly addon: Addon; readonly reason?: undefined }
  | { readonly addon?: undefined; readonly reason?: string };

let found: AddonSearch | undefined;

/** Loads the addon once, from the package for this platform. */
export function findAddon(): AddonSearch {
  return (found ??= search());
}

function search(): AddonSearch {
  const create = nodeRequire();
  if (create === undefined) return {};
  const names = platformPackages(process.platform, process.arch);
  if (names.length === 0) {
    return { reason: `there is no native engine for ${process.platform} on ${process.arch}` };
  }
  const failures: string[] = [];
  for (const name of names) {
    try {
      const addon = create(import.meta.url)(name) as Addon;
      if (addon.variants().length > 0) return { addon };
      failures.push("the native engine needs a processor with AVX2 and FMA");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const absent = code === "MODULE_NOT_FOUND";
      if (!absent) failures.push(`the native engine did not load: ${message.split("\n")[0]}`);
    }
  }
  return { reason: failures[0] ?? `the native engine is not installed (${names.join(" or ")})` };
}

/** The packages that may hold the addon. Which C library Linux has, only loading tells for sure. */
export function platformPackages(platform: string, arch: string): string[] {
  const builds: Readonly<Record<string, readonly string[]>> = {
    "linux-x64": ["linux-x64-gnu", "linux-x64-musl"],
    "linux-arm64": ["linux-arm64-gnu", "linux-arm64-musl"],
    "darwin-x64": ["darwin-x64"],
    "darwin-arm64": ["darwin-arm64"],
    "win32-x64": ["win32-x64"],
  };
  return (builds[`${platform}-${arch}`] ?? []).map((name) => `@tessera/backend-cpu-${name}`);
}

function nodeRequire(): typeof nodeModule.createRequire | undefined {
  if (typeof process === "undefined" || process.versions?.node === undefined) return undefined;
  return process.getBuiltinModule?.("node:module").createRequire;
}
