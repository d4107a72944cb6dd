import type { BookShape } from "@tessera/core";
import { FAULT } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** Bytes of rows that the slices of one command share: they stay in the outer cache from one slice to the next. */
const CHUNK_BYTES = 2 ** 22;

/** Columns that a slice has a multiple of, and about how many more the handling of a row costs: `LINE` of clusters.c. */
const LINE = 16;

export interface ClusterTensors {
  readonly x: CpuTensor<"float32">;
  readonly codes: CpuTensor<"int32">;
  readonly weights: CpuTensor<"float32"> | undefined;
  readonly sums: CpuTensor<"float32">;
  readonly counts: CpuTensor<"float32">;
}

/** Sums and counts by group and code: in float64 over chunks of rows, one after another, then rounded. */
export function sumClusters(
  device: Device,
  { x, codes, weights, sums, counts }: ClusterTensors,
  { groups, codewords, dimension }: BookShape,
): void {
  const [rows, width] = x.shape as [number, number];
  const slice = sliceColumns(groups, dimension, device.executor.threads);
  const slices = groups * Math.max(1, Math.ceil(dimension / slice));
  const countsAt = 8 * slices * codewords * slice;
  const held = device.allocate(countsAt + 8 * groups * codewords);
  device.launch({
    kernel: "fill",
    items: held.bytes / 4,
    grain: grainOf(1),
    arguments: [held.address, 0],
    outputs: [held],
    inputs: [],
  });
  const chunk = Math.max(1024, Math.floor(CHUNK_BYTES / (4 * Math.max(1, width))));
  for (let first = 0; first < rows; first += chunk) {
    const last = Math.min(rows, first + chunk);
    device.launch({
      kernel: "clusterSums",
      items: slices,
      grain: grainOf((last - first) * 4 * slice),
      arguments: [
        x.address,
        codes.address,
        weights?.address ?? 0,
        held.address,
        held.address + countsAt,
        groups,
        codewords,
        dimension,
        slice,
        first,
        last,
      ],
      fault: { kind: FAULT.code, columns: groups, limit: codewords, values: codes.address },
      outputs: [held],
      inputs: [x.storage, codes.storage, weights?.storage, held],
    });
  }
  device.launchAndRelease([held], {
    kernel: "roundSums",
    items: groups * codewords,
    grain: grainOf(4 * dimension + 16),
    arguments: [
      held.address,
      held.address + countsAt,
      sums.address,
      counts.address,
      groups,
      codewords,
      dimension,
      slice,
    ],
    outputs: [sums.storage, counts.storage],
    inputs: [held],
  });
}

/**
 * Columns of a slice, which one thread adds up: wide ones cost least in all, but every thread should have its share. The
 * sums are the same whichever is chosen.
 */
function sliceColumns(groups: number, dimension: number, threads: number): number {
  let best = LINE;
  let least = Infinity;
  for (let slice = LINE; slice < dimension + LINE; slice += LINE) {
    const rounds = Math.ceil((groups * Math.ceil(dimension / slice)) / threads);
    const cost = rounds * (slice + LINE);
    if (cost < least) {
      least = cost;
      best = slice;
    }
  }
  return best;
}
