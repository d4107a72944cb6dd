import type { ScanExtents, ScanRowsExtents, ScanTablesExtents } from "@tessera/core/arguments";
import { type Device, flat, tiled, type View } from "./device.js";
import { FAULT } from "./fault.js";
import { foundListKernel, mergeListsKernel, tellListKernel } from "./kernels/neighbours.js";
import {
  packProbesKernel,
  rowDistancesKernel,
  SCAN_LANES,
  scanBitsKernel,
  scanRowsKernel,
  scanTablesKernel,
} from "./kernels/scan.js";
import { TILE } from "./kernels/tile.js";
import { checkNorms } from "./launch-nearest.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

type Floats = GpuTensor<"float32">;

/** What every scan is told besides its queries and rows. */
export interface ScanTensors {
  readonly allowed: GpuTensor<"uint8"> | undefined;
  readonly foundIndices: GpuTensor<"int32"> | undefined;
  readonly foundDistances: Floats | undefined;
  /** `[queries, count]` */
  readonly indices: GpuTensor<"int32">;
  readonly distances: Floats;
}

/** A factor and a term for the distance of each row. */
export interface ScaleTensors {
  readonly scales: Floats | undefined;
  readonly offsets: Floats | undefined;
}

export interface TablesTensors extends ScaleTensors {
  /** `[queries, columns, entries]` */
  readonly tables: Floats;
  readonly blocks: GpuTensor<"uint8">;
  /** `[queries, probes]` each. */
  readonly probes:
    | {
        readonly starts: GpuTensor<"int32">;
        readonly ends: GpuTensor<"int32">;
        readonly biases: Floats;
      }
    | undefined;
}

/** Workgroups that a scan is cut into at least, by rows if there are few queries: as many as a large GPU runs at once. */
const WORKGROUPS = 256;

/** Blocks of rows that a share has at least: its list then is little beside them. */
const SHARE_BLOCKS = 8;

/** Entries of the lists of a block of queries at most: 64 MiB. */
const LIST_ENTRIES = 2 ** 22;

/** Distances between queries and rows at once: 64 MiB. */
const DISTANCES = 2 ** 24;

/** Some of the queries of a scan. */
interface Block {
  readonly first: number;
  readonly queries: number;
  readonly shares: number;
  readonly count: number;
}

/** The rows nearest to each query: all distances of some rows at a time, and a scan of those. */
export function scanRows(
  device: Device,
  asked: Floats,
  held: Floats,
  scaling: ScaleTensors,
  extents: ScanRowsExtents,
  tensors: ScanTensors,
): void {
  const { queries, rows, dimension, metric } = extents;
  checkNorms(device, asked, queries, dimension, 0);
  checkNorms(device, held, rows, dimension, 1);
  forBlocks(device, extents, tensors, (block, found) => {
    const bound = Math.floor(device.maxBound / (4 * Math.max(1, dimension, block.queries)));
    const most = Math.min(
      Math.floor(DISTANCES / Math.max(TILE, block.queries)),
      Math.max(1, bound),
    );
    let list = found;
    // Also without rows, once.
    for (let first = 0; first === 0 || first < rows; first += most) {
      const part = Math.min(most, rows - first);
      const distances = device.allocate(4 * block.queries * part);
      device.run(rowDistancesKernel, {
        inputs: {
          asked: asked.rows(block.first, block.first + block.queries),
          rows: held.rows(first, first + part),
        },
        outputs: { distances },
        params: {
          queries: block.queries,
          columns: part,
          dimension,
          pitch: dimension,
          ip: metric === "ip" ? 1 : 0,
        },
        workgroups: tiled(Math.ceil(block.queries / TILE), Math.ceil(part / TILE)),
      });
      const lists = allocateLists(device, block);
      device.run(scanRowsKernel, {
        inputs: {
          distances,
          ...scalingInputs(device, scaling),
          ...inputsOf(device, tensors, list),
        },
        outputs: { lists },
        params: {
          ...paramsOf(block, extents, tensors, list),
          ...scalingParams(scaling),
          firstRow: first,
          rows: part,
        },
        workgroups: tiled(block.queries, block.shares),
      });
      distances.release();
      list?.release();
      list = mergeLists(device, lists, block);
    }
    return list;
  });
  settle(
    device,
    tensors,
    [asked, held, scaling.scales, scaling.offsets],
    [{ kind: FAULT.query }, { kind: FAULT.row }],
  );
}

/** The rows of codes nearest to each query by tables. */
export function scanTables(
  device: Device,
  { tables, blocks, probes, ...scaling }: TablesTensors,
  extents: ScanTablesExtents,
  tensors: ScanTensors,
): void {
  const { rows, columns, entries, bytes, probes: perQuery } = extents;
  const packed = probes && device.allocate(12 * probes.starts.size);
  if (packed) {
    device.run(packProbesKernel, {
      inputs: probes,
      outputs: { probes: packed },
      params: { items: probes.starts.size, rows },
      workgroups: flat(probes.starts.size),
    });
  }
  forBlocks(device, extents, tensors, (block, found) => {
    const lists = allocateLists(device, block);
    device.run(scanTablesKernel, {
      inputs: {
        tables: { storage: tables.storage, start: tables.start + block.first * columns * entries },
        blocks,
        ...scalingInputs(device, scaling),
        probes: packed ? { storage: packed, start: 3 * block.first * perQuery } : device.unused,
        ...inputsOf(device, tensors, found),
      },
      outputs: { lists },
      params: {
        ...paramsOf(block, extents, tensors, found),
        ...scalingParams(scaling),
        rows,
        columns,
        entries,
        bytes,
        perQuery,
        hasProbes: probes ? 1 : 0,
      },
      workgroups: tiled(block.queries, block.shares),
    });
    found?.release();
    return mergeLists(device, lists, block);
  });
  packed?.release();
  const inputs = [tables, blocks, scaling.scales, scaling.offsets];
  if (!probes) return settle(device, tensors, inputs);
  const { starts, ends, biases } = probes;
  settle(
    device,
    tensors,
    [...inputs, starts, ends, biases],
    [{ kind: FAULT.probe, columns: Math.max(1, perQuery), limit: rows, values: starts }],
  );
}

/** The rows that differ from each query in the fewest bits. */
export function scanBits(
  device: Device,
  asked: GpuTensor<"uint8">,
  codes: GpuTensor<"uint8">,
  extents: ScanExtents & { readonly bytes: number },
  tensors: ScanTensors,
): void {
  const { rows, bytes } = extents;
  forBlocks(device, extents, tensors, (block, found) => {
    const lists = allocateLists(device, block);
    device.run(scanBitsKernel, {
      inputs: {
        asked: { storage: asked.storage, start: asked.start + block.first * bytes },
        codes,
        ...inputsOf(device, tensors, found),
      },
      outputs: { lists },
      params: { ...paramsOf(block, extents, tensors, found), rows, bytes },
      workgroups: tiled(block.queries, block.shares),
    });
    found?.release();
    return mergeLists(device, lists, block);
  });
  settle(device, tensors, [asked, codes]);
}

/** Has `scan` make a list of each block of queries, of one that was found before or none, and tells what is in it. */
function forBlocks(
  device: Device,
  { queries, rows }: ScanExtents,
  { foundIndices, foundDistances, indices, distances }: ScanTensors,
  scan: (block: Block, found: Storage | undefined) => Storage | undefined,
): void {
  const count = indices.shape[1]!;
  const together = Math.max(1, Math.min(queries, Math.floor(LIST_ENTRIES / count)));
  for (let first = 0; first < queries; first += together) {
    const some = Math.min(together, queries - first);
    const wanted = Math.min(
      Math.ceil(WORKGROUPS / some),
      Math.ceil(rows / (SCAN_LANES * SHARE_BLOCKS)),
      Math.floor(LIST_ENTRIES / (some * count)),
    );
    const items = some * count;
    let found: Storage | undefined;
    if (foundIndices && foundDistances) {
      found = device.allocate(8 * items);
      device.run(foundListKernel, {
        inputs: {
          indices: from(foundIndices, first * count),
          distances: from(foundDistances, first * count),
        },
        outputs: { list: found },
        params: { items },
        workgroups: flat(items),
      });
    }
    const list = scan({ first, queries: some, shares: Math.max(1, wanted), count }, found);
    if (!list) continue;
    device.run(tellListKernel, {
      inputs: { list },
      updates: { indices: from(indices, first * count), distances: from(distances, first * count) },
      outputs: {},
      params: { items },
      workgroups: flat(items),
    });
    list.release();
  }
}

/** Lists of a block: two sides for each query and share. */
function allocateLists(device: Device, { queries, shares, count }: Block): Storage {
  return device.allocate(16 * queries * shares * count);
}

/** One list of each query of those of its shares, [queries, count]. */
function mergeLists(device: Device, lists: Storage, { queries, shares, count }: Block): Storage {
  let merged = lists;
  let stride = 2 * count;
  let left = shares;
  do {
    const pairs = Math.ceil(left / 2);
    const next = device.allocate(8 * queries * pairs * count);
    const items = queries * pairs * 2 * count;
    device.run(mergeListsKernel, {
      inputs: { lists: merged },
      outputs: { merged: next },
      params: { items, lists: left, count, stride },
      workgroups: flat(items),
    });
    merged.release();
    merged = next;
    stride = count;
    left = pairs;
  } while (left > 1);
  return merged;
}

function inputsOf(device: Device, { allowed }: ScanTensors, found: Storage | undefined) {
  return { allowed: allowed ?? device.unused, found: found ?? device.unused };
}

function paramsOf(
  { queries, shares, count }: Block,
  { firstIndex }: ScanExtents,
  { allowed }: ScanTensors,
  found: Storage | undefined,
) {
  return {
    queries,
    shares,
    count,
    firstIndex,
    hasAllowed: allowed ? 1 : 0,
    hasFound: found ? 1 : 0,
  };
}

function scalingInputs(device: Device, { scales, offsets }: ScaleTensors) {
  return { scales: scales ?? device.unused, offsets: offsets ?? device.unused };
}

function scalingParams({ scales, offsets }: ScaleTensors) {
  return { zero: 0, hasScales: scales ? 1 : 0, hasOffsets: offsets ? 1 : 0 };
}

function from({ storage, start }: View, count: number): View {
  return { storage, start: start + count };
}

function settle(
  device: Device,
  { allowed, foundIndices, foundDistances, indices, distances }: ScanTensors,
  inputs: readonly (GpuTensor | undefined)[],
  sources?: Parameters<Device["settle"]>[0]["sources"],
): void {
  const all = [...inputs, allowed, foundIndices, foundDistances];
  device.settle({
    inputs: all.filter((tensor) => tensor !== undefined),
    outputs: [indices, distances],
    ...(sources && { sources }),
  });
}
