import type { ScanExtents } from "@tessera/core/arguments";
import { type Device, flat, type View } from "./device.js";
import { foundListKernel, mergeListsKernel, tellListKernel } from "./kernels/neighbours.js";
import { SCAN_LANES } from "./kernels/scan.js";
import { fitting, someOf } from "./parts.js";
import type { Storage } from "./storage.js";
import type { GpuTensor } from "./tensor.js";

// What all scans share: queries block by block, rows as many at a time as can be bound, and the lists of what was found.

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

/** Workgroups that a scan is cut into at least, by rows if there are few queries: as many as a large GPU runs at once. */
const WORKGROUPS = 256;

/** Blocks of rows that a share has at least: its list then is little beside them. */
const SHARE_BLOCKS = 8;

/** Entries of the lists of a block of queries at most: 64 MiB. */
const LIST_ENTRIES = 2 ** 22;

/** Bytes of an entry of a list, on both sides. */
const LIST_BYTES = 16;

/** Rows whose codes for tables lie together. */
export const BLOCK_ROWS = 32;

/** Some of the queries of a scan. */
export interface Block {
  readonly first: number;
  readonly queries: number;
  readonly shares: number;
  readonly count: number;
}

/** Some of the rows of a scan, and what belongs to them. */
export interface SomeRows extends ScaleTensors {
  readonly first: number;
  readonly rows: number;
  readonly firstIndex: number;
  readonly allowed: View | undefined;
  /** What was found until now. */
  readonly list: Storage | undefined;
}

/**
 * Has `scan` make a list of each block of queries, of one that was found before or none, and tells what is in it.
 *
 * @param queryBytes of what is bound for each query
 */
export function forBlocks(
  device: Device,
  { queries, rows }: ScanExtents,
  { foundIndices, foundDistances, indices, distances }: ScanTensors,
  queryBytes: number,
  scan: (block: Block, found: Storage | undefined) => Storage,
): void {
  const count = indices.shape[1]!;
  const entries = Math.min(LIST_ENTRIES, Math.floor(device.maxBound / LIST_BYTES));
  const fit = Math.floor(device.maxBound / Math.max(1, queryBytes));
  const together = Math.max(1, Math.min(queries, Math.floor(entries / count), fit));
  for (let first = 0; first < queries; first += together) {
    const some = Math.min(together, queries - first);
    const wanted = Math.min(
      Math.ceil(WORKGROUPS / some),
      Math.ceil(rows / (SCAN_LANES * SHARE_BLOCKS)),
      Math.floor(entries / (some * count)),
    );
    const items = some * count;
    let found: Storage | undefined;
    if (foundIndices && foundDistances) {
      found = device.allocate(8 * items);
      device.run(foundListKernel, {
        inputs: {
          indices: someOf(foundIndices, first * count, items),
          distances: someOf(foundDistances, first * count, items),
        },
        outputs: { list: found },
        params: { items },
        workgroups: flat(items),
      });
    }
    const list = scan({ first, queries: some, shares: Math.max(1, wanted), count }, found);
    device.run(tellListKernel, {
      inputs: { list },
      updates: {
        indices: someOf(indices, first * count, items),
        distances: someOf(distances, first * count, items),
      },
      outputs: {},
      params: { items },
      workgroups: flat(items),
    });
    list.release();
  }
}

/**
 * Has `scan` go on with the list through all rows, at most `most` at a time and no more than can be bound. Also without rows,
 * once. Parts start at multiples of 32 rows, where blocks of codes do, and bytes of `allowed`.
 */
export function forRows(
  device: Device,
  { rows, firstIndex }: ScanExtents,
  { scales, offsets, allowed }: Partial<ScaleTensors> & Pick<ScanTensors, "allowed">,
  rowBytes: number,
  most: number,
  found: Storage | undefined,
  scan: (some: SomeRows) => Storage,
): Storage {
  const bytes = Math.max(rowBytes, scales || offsets ? 4 : 0, allowed ? 1 / 8 : 0);
  const bound = bytes * rows <= device.maxBound ? rows : fitting(device, bytes, BLOCK_ROWS);
  const whole = Math.min(most, bound);
  const together =
    whole >= rows ? Math.max(1, rows) : Math.max(BLOCK_ROWS, whole - (whole % BLOCK_ROWS));
  let list = found;
  let first = 0;
  do {
    const end = Math.min(rows, first + together);
    const next = scan({
      first,
      rows: end - first,
      firstIndex: firstIndex + first,
      scales: scales?.rows(first, end),
      offsets: offsets?.rows(first, end),
      allowed: allowed?.rows(first / 8, Math.ceil(end / 8)),
      list,
    });
    list?.release();
    list = next;
    first += together;
  } while (first < rows);
  return list;
}

/** Lists of a block: two sides for each query and share. */
export function allocateLists(device: Device, { queries, shares, count }: Block): Storage {
  return device.allocate(LIST_BYTES * queries * shares * count);
}

/** One list of each query of those of its shares, [queries, count]. */
export function mergeLists(
  device: Device,
  lists: Storage,
  { queries, shares, count }: Block,
): Storage {
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
