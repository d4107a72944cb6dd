import type { BookShape } from "./arguments.js";
import { FAULT } from "./command.js";
import type { Device } from "./device.js";
import { grainOf, SLICE } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** Bytes of rows that the slices of one command share: they stay in the outer cache from one slice to the next. */
const CHUNK_BYTES = 2 ** 22;

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
  const slices = groups * Math.max(1, Math.ceil(dimension / SLICE));
  const countsAt = 8 * slices * codewords * SLICE;
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
      grain: grainOf((last - first) * 4 * SLICE),
      arguments: [
        x.address,
        codes.address,
        weights?.address ?? 0,
        held.address,
        held.address + countsAt,
        groups,
        codewords,
        dimension,
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
    ],
    outputs: [sums.storage, counts.storage],
    inputs: [held],
  });
}
