import {
  ArgumentError,
  MAX_NEIGHBOURS,
  type Probes,
  type ScanOptions,
  type Tensor,
} from "@tessera/core";
import { checkInteger, checkShape, own } from "./arguments.js";
import type { ScaleTensors, ScanTensors } from "./launch-scan.js";
import type { TablesTensors } from "./launch-scan-tables.js";
import type { CpuTensor, TensorOwner } from "./tensor.js";

/** The options of any scan as tensors of this backend, checked. */
export interface ScanInputs extends Omit<ScanTensors, "indices" | "distances"> {
  readonly queries: number;
  readonly count: number;
}

export function ownScanInputs(
  owner: TensorOwner,
  options: ScanOptions,
  queries: number,
  rows: number,
  count: number,
): ScanInputs {
  const { allowed, found, firstIndex = 0 } = options;
  checkInteger(count, "count", 1, MAX_NEIGHBOURS);
  checkInteger(firstIndex, "firstIndex", 0, 2 ** 31 - 1 - rows);
  const bits = allowed && own(owner, allowed, "allowed", "uint8");
  if (bits) checkShape(bits, "allowed", [Math.ceil(rows / 8)]);
  const foundIndices = found && own(owner, found.indices, "found.indices", "int32");
  const foundDistances = found && own(owner, found.distances, "found.distances", "float32");
  if (foundIndices) checkShape(foundIndices, "found.indices", [queries, count]);
  if (foundDistances) checkShape(foundDistances, "found.distances", [queries, count]);
  return { queries, count, allowed: bits, foundIndices, foundDistances, firstIndex };
}

export function ownPerRow(
  owner: TensorOwner,
  options: { readonly scales?: Tensor<"float32">; readonly offsets?: Tensor<"float32"> },
  rows: number,
): ScaleTensors {
  const scales = options.scales && own(owner, options.scales, "scales", "float32");
  const offsets = options.offsets && own(owner, options.offsets, "offsets", "float32");
  if (scales) checkShape(scales, "scales", [rows]);
  if (offsets) checkShape(offsets, "offsets", [rows]);
  return { scales, offsets };
}

export function ownProbes(
  owner: TensorOwner,
  probes: Probes | undefined,
  queries: number,
): TablesTensors["probes"] {
  if (!probes) return undefined;
  const starts = own(owner, probes.starts, "probes.starts", "int32");
  const ends = own(owner, probes.ends, "probes.ends", "int32");
  const biases = own(owner, probes.biases, "probes.biases", "float32");
  checkShape(starts, "probes.starts", [queries, undefined]);
  checkShape(ends, "probes.ends", starts.shape);
  checkShape(biases, "probes.biases", starts.shape);
  return { starts, ends, biases };
}

/** The queries of tables, and the bytes that a row's codes take. */
export function tablesShape(tables: CpuTensor<"float32">): {
  readonly queries: number;
  readonly bytes: number;
} {
  checkShape(tables, "tables", [undefined, undefined, undefined]);
  const [queries, groups, codewords] = tables.shape as [number, number, number];
  if (codewords !== 16 && codewords !== 256) {
    throw new ArgumentError(`tables have ${codewords} entries for each column of codes`, {
      hint: "codes of 4 bits take 16, codes of 8 bits 256",
    });
  }
  return { queries, bytes: codewords === 16 ? Math.ceil(groups / 2) : groups };
}
