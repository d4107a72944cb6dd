import type { BookShape } from "@tessera/core";
import { type Device, flat, tiled } from "./device.js";
import { FAULT } from "./fault.js";
import { assignKernel, distancesKernel, scoreStartsKernel } from "./kernels/assign.js";
import { TILE } from "./kernels/tile.js";
import { TOP_ROWS, topKernel } from "./kernels/top-k.js";
import { inParts } from "./parts.js";
import type { GpuTensor } from "./tensor.js";

export interface NearestTensors {
  readonly x: GpuTensor<"float32">;
  readonly books: GpuTensor<"float32">;
  readonly codes: GpuTensor<"int32">;
  readonly distances: GpuTensor<"float32">;
}

/** `assign`, or `assignTopK` with a count. */
export function nearest(
  device: Device,
  { books, ...rows }: NearestTensors,
  shape: BookShape,
  metric: "l2" | "ip",
  count?: number,
): void {
  inParts(device, rows, (part) => nearestOf(device, { ...part, books }, shape, metric, count));
}

function nearestOf(
  device: Device,
  { x, books, codes, distances }: NearestTensors,
  { groups, codewords, dimension }: BookShape,
  metric: "l2" | "ip",
  count?: number,
): void {
  const rows = x.shape[0]!;
  const ip = metric === "ip" ? 1 : 0;
  const starts = device.allocate(4 * groups * codewords);
  device.run(scoreStartsKernel, {
    inputs: { codebooks: books },
    outputs: { starts },
    params: { items: groups * codewords, dimension, ip, slot: 1, base: 0 },
    workgroups: flat(groups * codewords),
  });
  const inputs = { x, codebooks: books, starts };
  const params = { rows, groups, codewords, dimension };
  if (count === undefined) {
    const workgroups = tiled(Math.ceil(rows / TILE), groups);
    device.run(assignKernel, { inputs, updates: { codes }, outputs: {}, params, workgroups });
  } else {
    const workgroups = tiled(Math.ceil(rows / TOP_ROWS), groups);
    device.run(topKernel(count), {
      inputs,
      outputs: { codes, distances },
      params: { ...params, count, direct: 0 },
      workgroups,
    });
  }
  starts.release();
  device.run(distancesKernel, {
    inputs: { x, codebooks: books, codes },
    updates: { distances },
    outputs: {},
    params: { items: codes.size, groups, count: count ?? 1, codewords, dimension, ip, base: 0 },
    workgroups: flat(codes.size),
  });
  device.settle({
    inputs: [x, books],
    outputs: [codes, distances],
    sources: [{ kind: FAULT.row, columns: groups }, { kind: FAULT.codeword }],
  });
}

/** Reports the first vector that is not finite or whose squared norm overflows. */
export function checkNorms(
  device: Device,
  vectors: GpuTensor<"float32">,
  items: number,
  dimension: number,
  slot: number,
): void {
  const launch = ({ matrix }: { readonly matrix: GpuTensor<"float32"> }, first: number): void =>
    checkSome(device, matrix, dimension, slot, first);
  inParts(device, { matrix: vectors.as([items, dimension]) }, launch, 1);
}

function checkSome(
  device: Device,
  vectors: GpuTensor<"float32">,
  dimension: number,
  slot: number,
  base: number,
): void {
  const items = vectors.shape[0]!;
  const norms = device.allocate(4 * items);
  device.run(scoreStartsKernel, {
    inputs: { codebooks: vectors },
    outputs: { starts: norms },
    params: { items, dimension, ip: 0, slot, base },
    workgroups: flat(items),
  });
  norms.release();
}
