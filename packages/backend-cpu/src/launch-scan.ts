import { FAULT } from "@tessera/core/authoring";
import type { Device, Storage } from "./device.js";
import { grainOf } from "./grain.js";
import type { CpuTensor } from "./tensor.js";

/** What every scan is told besides its queries and rows. */
export interface ScanTensors {
  readonly allowed: CpuTensor<"uint8"> | undefined;
  readonly foundIndices: CpuTensor<"int32"> | undefined;
  readonly foundDistances: CpuTensor<"float32"> | undefined;
  /** `[queries, count]` */
  readonly indices: CpuTensor<"int32">;
  readonly distances: CpuTensor<"float32">;
  readonly firstIndex: number;
}

/** Bytes of scratch that a query's list takes beside its keys. */
export const LIST_BYTES = 64;

/** Keys of a query's list while it grows: room for some more than are asked for, so that selecting them is rare. */
export function listSize(count: number): number {
  return count + Math.min(Math.max(count, 16), 1024);
}

/** Items that each thread should have to choose from, so that all end at about the same time. */
const ITEMS_PER_THREAD = 3;

/** How a scan is cut into items: blocks of queries, each with every share of the rows. */
export interface ScanPlan {
  readonly block: number;
  readonly share: number;
  readonly parts: number;
  readonly items: number;
  /** Operations of an item, about. */
  readonly operations: number;
}

/**
 * Cuts a scan into items, by rows too where there are few queries.
 *
 * @param operations of a query against a row, about
 * @param most queries of a block
 * @param multiple of rows in a share
 */
export function planScan(
  device: Device,
  queries: number,
  rows: number,
  operations: number,
  most: number,
  multiple: number,
): ScanPlan {
  const wanted = device.executor.threads === 1 ? 1 : ITEMS_PER_THREAD * device.executor.threads;
  const blocks = Math.max(1, Math.ceil(queries / most));
  const block = Math.max(1, Math.ceil(queries / blocks));
  // A share must outweigh waking a thread and merging its list.
  const worthwhile = Math.floor((block * rows * operations) / 2 ** 19);
  const shares = Math.max(1, Math.min(Math.ceil(wanted / blocks), worthwhile));
  const share = Math.max(1, Math.ceil(rows / shares / multiple)) * multiple;
  const parts = Math.max(1, Math.ceil(rows / share));
  return {
    block,
    share,
    parts,
    items: queries === 0 ? 0 : Math.ceil(queries / block) * parts,
    operations: block * Math.min(rows, share) * operations,
  };
}

/** Runs a scan that writes the lists of every part, then makes one list of them and of what was found before. */
export function scanAndMerge(
  device: Device,
  { indices, distances, foundIndices, foundDistances }: ScanTensors,
  parts: number,
  scan: (lists: Storage) => void,
): void {
  const [queries, count] = indices.shape as [number, number];
  const lists = device.allocate(8 * parts * queries * listSize(count));
  try {
    scan(lists);
  } catch (error) {
    lists.release();
    throw error;
  }
  device.launchAndRelease([lists], {
    kernel: "mergeNeighbours",
    items: queries,
    grain: grainOf(20 * count * parts + 200),
    arguments: [
      lists.address,
      foundIndices?.address ?? 0,
      foundDistances?.address ?? 0,
      indices.address,
      distances.address,
      queries,
      count,
      parts,
      listSize(count),
    ],
    scratch: 8 * listSize(count),
    outputs: [indices.storage, distances.storage],
    inputs: [lists, foundIndices?.storage, foundDistances?.storage],
  });
}

/** Bytes of packed rows that stay in the nearest cache while queries meet them. */
const PACKED_BYTES = 2 ** 14;

/** The rows that differ from each query in the fewest bits. */
export function scanBits(
  device: Device,
  queries: CpuTensor<"uint8">,
  codes: CpuTensor<"uint8">,
  tensors: ScanTensors,
): void {
  const [asked, bytes] = queries.shape as [number, number];
  const rows = codes.shape[0]!;
  const words = Math.ceil(bytes / 4);
  const together = 64 * Math.max(1, Math.min(8, Math.floor(PACKED_BYTES / 256 / (words + 1))));
  const { block, share, parts, items, operations } = planScan(
    device,
    asked,
    rows,
    4 + words,
    128,
    together,
  );
  scanAndMerge(device, tensors, parts, (lists) =>
    device.launch({
      kernel: "scanBits",
      items,
      grain: grainOf(operations),
      arguments: [
        queries.address,
        codes.address,
        tensors.allowed?.address ?? 0,
        tensors.foundIndices?.address ?? 0,
        tensors.foundDistances?.address ?? 0,
        lists.address,
        asked,
        rows,
        bytes,
        tensors.indices.shape[1]!,
        tensors.firstIndex,
        listSize(tensors.indices.shape[1]!),
        block,
        share,
        together,
      ],
      scratch: block * (LIST_BYTES + 4 * words) + 4 * words * together,
      outputs: [lists],
      inputs: [queries.storage, codes.storage, tensors.allowed?.storage],
    }),
  );
}

/** A factor and a term for the distance of each row. */
export interface ScaleTensors {
  readonly scales: CpuTensor<"float32"> | undefined;
  readonly offsets: CpuTensor<"float32"> | undefined;
}

/** Values of query panels of a block at most, so that they stay in a core's own cache. */
const PANEL_VALUES = 2 ** 16;

/** The rows nearest to each query. */
export function scanRows(
  device: Device,
  queries: CpuTensor<"float32">,
  rows: CpuTensor<"float32">,
  { scales, offsets }: ScaleTensors,
  innerProduct: boolean,
  tensors: ScanTensors,
): void {
  const { panel, rowBlock } = device.layout;
  const [asked, dimension] = queries.shape as [number, number];
  const count = rows.shape[0]!;
  const most =
    panel * Math.min(16, Math.max(1, Math.floor(PANEL_VALUES / panel / (dimension + 1))));
  const plan = planScan(device, asked, count, 2 * dimension + 8, most, rowBlock);
  const { block, share, parts, items, operations } = plan;
  const padded = Math.ceil(block / panel) * panel;
  const checked = device.allocate(4);
  try {
    device.launch({
      kernel: "checkRows",
      items: asked,
      grain: grainOf(2 * dimension),
      arguments: [queries.address, dimension],
      fault: { kind: FAULT.query },
      outputs: [checked],
      inputs: [queries.storage],
    });
    scanAndMerge(device, tensors, parts, (lists) =>
      device.launch({
        kernel: "scanRows",
        items,
        grain: grainOf(operations),
        arguments: [
          queries.address,
          rows.address,
          scales?.address ?? 0,
          offsets?.address ?? 0,
          tensors.allowed?.address ?? 0,
          tensors.foundIndices?.address ?? 0,
          tensors.foundDistances?.address ?? 0,
          lists.address,
          asked,
          count,
          dimension,
          tensors.indices.shape[1]!,
          tensors.firstIndex,
          Number(innerProduct),
          listSize(tensors.indices.shape[1]!),
          block,
          share,
        ],
        scratch:
          padded * LIST_BYTES +
          4 * (padded * (dimension + 3) + panel + (rowBlock + 1) * dimension + 3 * rowBlock),
        fault: { kind: FAULT.row },
        outputs: [lists],
        inputs: [
          checked,
          rows.storage,
          scales?.storage,
          offsets?.storage,
          tensors.allowed?.storage,
        ],
      }),
    );
  } finally {
    checked.release();
  }
}
