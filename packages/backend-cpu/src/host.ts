import type * as nodeOsModule from "node:os";
import { ArgumentError } from "@tessera/core";
import { cpuQuota } from "./cpu-quota.js";

/** Threads at most. */
const MAX_THREADS = 256;

/** What the host says about itself. */
export interface Host {
  readonly processor: string;
  /** Threads worth starting. */
  readonly parallelism: number;
  /** Why shared memory is out of reach, if it is. */
  readonly noThreads: string | undefined;
}

export function describeHost(): Host {
  const os = nodeOs();
  const cores = os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
  const quota = os?.platform() === "linux" ? cpuQuota() : Infinity;
  return {
    processor: os?.cpus()[0]?.model.trim() ?? "CPU",
    parallelism: Math.min(cores, quota, MAX_THREADS),
    noThreads: sharedMemoryObstacle(),
  };
}

function nodeOs(): typeof nodeOsModule | undefined {
  if (typeof process === "undefined" || process.versions?.node === undefined) return undefined;
  return process.getBuiltinModule?.("node:os");
}

function sharedMemoryObstacle(): string | undefined {
  if (globalThis.crossOriginIsolated === false) {
    return "the page is not cross-origin isolated (COOP and COEP headers), so memory cannot be shared";
  }
  if (typeof SharedArrayBuffer === "undefined") return "this host has no SharedArrayBuffer";
  return undefined;
}

/** A variable of the process's environment, where there is one. */
export function environment(name: string): string | undefined {
  const value = typeof process === "undefined" ? undefined : process.env?.[name];
  return value === "" ? undefined : value;
}

/** @throws {ArgumentError} unless the number of threads is a whole number in 1..256 */
export function checkThreads(threads: number, what: string): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new ArgumentError(
      `${what} is ${threads}; it must be a whole number in 1..${MAX_THREADS}`,
    );
  }
  return threads;
}
