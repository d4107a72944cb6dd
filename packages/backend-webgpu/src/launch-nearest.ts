import type { BookShape } from "@tessera/core";
import { type Device, flat, tiled, type View } from "./device.js";
import { FAULT } from "./fault.js";
import { assignKernel, distancesKernel, scoreStartsKernel } from "./kernels/assign.js";
import { TILE } from "./kernels/tile.js";
import { TOP_ROWS, topKKernel } from "./kernels/top-k.js";
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
    params: { items: groups * codewords, dimension, ip, slot: 1 },
    workgroups: flat(groups * codewords),
  });
  const inputs = { x, codebooks: books, starts };
  const params = { rows, groups, codewords, dimension };
  if (count === undefined) {
    const workgroups = tiled(Math.ceil(rows / TILE), groups);
    device.run(assignKernel, { inputs, updates: { codes }, outputs: {}, params, workgroups });
  } else {
    const workgroups = tiled(Math.ceil(rows / TOP_ROWS), groups);
    device.run(topKKernel, {
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
    params: { items: codes.size, groups, count: count ?? 1, codewords, dimension, ip },
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
  vectors: View,
  items: number,
  dimension: number,
  slot: number,
): void {
  const norms = device.allocate(4 * items);
  device.run(scoreStartsKernel, {
    inputs: { codebooks: vectors },
    outputs: { starts: norms },
    params: { items, dimension, ip: 0, slot },
    workgroups: flat(items),
  });
  norms.release();
}
