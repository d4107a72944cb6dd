import type { Probes, ScanOptions, Tensor } from "@tessera/core";
import { own } from "./arguments.js";
import type { ScaleTensors, ScanTensors } from "./launch-scan.js";
import type { TablesTensors } from "./launch-scan-tables.js";
import type { TensorOwner } from "./tensor.js";

/** The options of any scan as tensors of this backend. */
export function ownScanInputs(
  owner: TensorOwner,
  { allowed, found }: ScanOptions,
): Pick<ScanTensors, "allowed" | "foundIndices" | "foundDistances"> {
  return {
    allowed: allowed && own(owner, allowed, "allowed", "uint8"),
    foundIndices: found && own(owner, found.indices, "found.indices", "int32"),
    foundDistances: found && own(owner, found.distances, "found.distances", "float32"),
  };
}

export function ownPerRow(
  owner: TensorOwner,
  options: { readonly scales?: Tensor<"float32">; readonly offsets?: Tensor<"float32"> },
): ScaleTensors {
  return {
    scales: options.scales && own(owner, options.scales, "scales", "float32"),
    offsets: options.offsets && own(owner, options.offsets, "offsets", "float32"),
  };
}

export function ownProbes(owner: TensorOwner, probes: Probes | undefined): TablesTensors["probes"] {
  if (!probes) return undefined;
  return {
    starts: own(owner, probes.starts, "probes.starts", "int32"),
    ends: own(owner, probes.ends, "probes.ends", "int32"),
    biases: own(owner, probes.biases, "probes.biases", "float32"),
  };
}
