import type { CompleteBackend } from "@tessera/core";
import { DeviceScan } from "./device.js";
import { HostScan } from "./host.js";
import type { QueryForm, ScanSession } from "./session.js";

const KERNELS = { rows: "scanRows", tables: "scanTables", bits: "scanBits" } as const;

/** Whether a backend has the kernel that scans for queries of this form. */
export function scansOn(backend: CompleteBackend, kind: QueryForm["kind"]): boolean {
  return typeof backend[KERNELS[kind]] === "function";
}

/** Scans by the backend's kernel, or without one on the host. */
export function openScan(
  backend: CompleteBackend,
  queries: QueryForm,
  queryCount: number,
  count: number,
): ScanSession {
  return scansOn(backend, queries.kind)
    ? new DeviceScan(backend, queries, queryCount, count)
    : new HostScan(queries, queryCount, count);
}
