import type { ScanExtents, ScanRowsExtents, ScanTablesExtents } from "@tessera/core/arguments";
import { type Device, flat, tiled } from "./device.js";
import { FAULT } from "./fault.js";
import {
  packProbesKernel,
  rowDistancesKernel,
  scanBitsKernel,
  scanRowsKernel,
  scanTablesKernel,
} from "./kernels/scan.js";
import { TILE } from "./kernels/tile.js";
import { checkNorms } from "./launch-nearest.js";
import {
  allocateLists,
  type Block,
  BLOCK_ROWS,
  forBlocks,
  forRows,
  mergeLists,
  type ScaleTensors,
  type ScanTensors,
  type SomeRows,
} from "./scan-blocks.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

export type { ScaleTensors, ScanTensors } from "./scan-blocks.js";

type Floats = GpuTensor<"float32">;

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

/** Distances between queries and rows at once: 64 MiB. */
const DISTANCES = 2 ** 24;

/** Bytes of a probe as the kernel has it. */
const PROBE_BYTES = 12;

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
  const rowBytes = 4 * dimension;
  // Of each query, there are distances to a block of rows at least.
  const queryBytes = Math.max(rowBytes, 4 * BLOCK_ROWS);
  forBlocks(device, extents, tensors, queryBytes, (block, found) => {
    const distancesAtOnce = Math.min(DISTANCES, device.maxBound / 4);
    const most = Math.floor(distancesAtOnce / Math.max(TILE, block.queries));
    return forRows(device, extents, { ...scaling, ...tensors }, rowBytes, most, found, (some) => {
      const distances = device.allocate(4 * block.queries * some.rows);
      device.run(rowDistancesKernel, {
        inputs: {
          asked: asked.rows(block.first, block.first + block.queries),
          rows: held.rows(some.first, some.first + some.rows),
        },
        outputs: { distances },
        params: {
          queries: block.queries,
          columns: some.rows,
          dimension,
          pitch: dimension,
          ip: metric === "ip" ? 1 : 0,
        },
        workgroups: tiled(Math.ceil(block.queries / TILE), Math.ceil(some.rows / TILE)),
      });
      const lists = allocateLists(device, block);
      device.run(scanRowsKernel, {
        inputs: { distances, ...scalingInputs(device, some), ...inputsOf(device, some) },
        outputs: { lists },
        params: { ...paramsOf(block, some), ...scalingParams(some), rows: some.rows },
        workgroups: tiled(block.queries, block.shares),
      });
      distances.release();
      return mergeLists(device, lists, block);
    });
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
  const inputs = [tables, blocks, scaling.scales, scaling.offsets];
  const queryBytes = Math.max(4 * columns * entries, probes ? PROBE_BYTES * perQuery : 0);
  forBlocks(device, extents, tensors, queryBytes, (block, found) => {
    const asked = tables.rows(block.first, block.first + block.queries);
    const packed = probes && packProbes(device, probes, block, rows, perQuery);
    const list = forRows(
      device,
      extents,
      { ...scaling, ...tensors },
      bytes,
      rows,
      found,
      (some) => {
        const lists = allocateLists(device, block);
        device.run(scanTablesKernel, {
          inputs: {
            tables: asked,
            // Codes lie together for 32 rows at a time.
            blocks: blocks.rows(some.first / 32, Math.ceil((some.first + some.rows) / 32)),
            ...scalingInputs(device, some),
            probes: packed ?? device.unused,
            ...inputsOf(device, some),
          },
          outputs: { lists },
          params: {
            ...paramsOf(block, some),
            ...scalingParams(some),
            firstRow: some.first,
            rows: some.rows,
            columns,
            entries,
            bytes,
            perQuery,
            hasProbes: probes ? 1 : 0,
          },
          workgroups: tiled(block.queries, block.shares),
        });
        return mergeLists(device, lists, block);
      },
    );
    packed?.release();
    if (probes) {
      const { first } = block;
      const values = probes.starts.rows(first, first + block.queries);
      const columns = Math.max(1, perQuery);
      const source = { kind: FAULT.probe, columns, limit: rows, values } as const;
      device.part(first, () =>
        settle(device, tensors, [...inputs, ...Object.values(probes)], [source]),
      );
    }
    return list;
  });
  if (!probes) settle(device, tensors, inputs);
}

/** The probes of a block of queries, for the kernel. */
function packProbes(
  device: Device,
  probes: NonNullable<TablesTensors["probes"]>,
  { first, queries }: Block,
  rows: number,
  perQuery: number,
): Storage {
  const items = queries * perQuery;
  const packed = device.allocate(PROBE_BYTES * items);
  device.run(packProbesKernel, {
    inputs: {
      starts: probes.starts.rows(first, first + queries),
      ends: probes.ends.rows(first, first + queries),
      biases: probes.biases.rows(first, first + queries),
    },
    outputs: { probes: packed },
    params: { items, rows },
    workgroups: flat(items),
  });
  return packed;
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
  forBlocks(device, extents, tensors, bytes, (block, found) =>
    forRows(device, extents, tensors, bytes, rows, found, (some) => {
      const lists = allocateLists(device, block);
      device.run(scanBitsKernel, {
        inputs: {
          asked: asked.rows(block.first, block.first + block.queries),
          codes: codes.rows(some.first, some.first + some.rows),
          ...inputsOf(device, some),
        },
        outputs: { lists },
        params: { ...paramsOf(block, some), rows: some.rows, bytes },
        workgroups: tiled(block.queries, block.shares),
      });
      return mergeLists(device, lists, block);
    }),
  );
  settle(device, tensors, [asked, codes]);
}

function inputsOf(device: Device, { allowed, list }: SomeRows) {
  return { allowed: allowed ?? device.unused, found: list ?? device.unused };
}

function paramsOf({ queries, shares, count }: Block, { firstIndex, allowed, list }: SomeRows) {
  return {
    queries,
    shares,
    count,
    firstIndex,
    hasAllowed: allowed ? 1 : 0,
    hasFound: list ? 1 : 0,
  };
}

function scalingInputs(device: Device, { scales, offsets }: ScaleTensors) {
  return { scales: scales ?? device.unused, offsets: offsets ?? device.unused };
}

function scalingParams({ scales, offsets }: ScaleTensors) {
  return { zero: 0, hasScales: scales ? 1 : 0, hasOffsets: offsets ? 1 : 0 };
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
