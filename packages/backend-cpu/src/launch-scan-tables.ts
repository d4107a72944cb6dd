import { FAULT } from "@tessera/core/authoring";
import type { Device } from "./device.js";
import { grainOf } from "./grain.js";
import {
  listSize,
  planScan,
  scanAndMerge,
  type ScaleTensors,
  type ScanTensors,
} from "./launch-scan.js";
import type { CpuTensor } from "./tensor.js";

/** Rows of a block of codes, and blocks that queries meet together (`BLOCKS_TOGETHER` of scan_tables.h). */
const BLOCK_ROWS = 32;
const BLOCKS_TOGETHER = 32;

/** Bytes of scratch for a query beside its tables: no less than `asked` of scan_tables.h. */
const QUERY_BYTES = 320;

/** Bytes that a vector may have at most. */
const VECTOR = 64;

/** Columns of codes at most that sums of 16 bits are made of. */
const MOST_GROUPS = 4096;

/** Queries of an item. */
const QUERIES = 32;

export interface TablesTensors extends ScaleTensors {
  /** `[queries, groups, codewords]` */
  readonly tables: CpuTensor<"float32">;
  readonly blocks: CpuTensor<"uint8">;
  /** `[queries, probes]` each. */
  readonly probes:
    | {
        readonly starts: CpuTensor<"int32">;
        readonly ends: CpuTensor<"int32">;
        readonly biases: CpuTensor<"float32">;
      }
    | undefined;
}

/** The rows of codes nearest to each query by tables. */
export function scanTables(
  device: Device,
  { tables, blocks, probes, scales, offsets }: TablesTensors,
  rows: number,
  tensors: ScanTensors,
): void {
  const [queries, groups, codewords] = tables.shape as [number, number, number];
  const perQuery = probes?.starts.shape[1] ?? 0;
  const screened = groups > 0 && groups <= MOST_GROUPS;
  const bytes = blocks.shape[1]!;
  // Without probes a query's tables are read once for all rows; with them, what it visits is known to the kernel alone.
  const operations = codewords === 16 ? 1 + groups / 8 : 1 + groups / 2;
  const plan = probes
    ? planProbes(queries, perQuery, groups * codewords)
    : planScan(device, queries, rows, operations, QUERIES, BLOCK_ROWS * BLOCKS_TOGETHER);
  const { block, share, parts, items } = plan;
  const tableBytes = codewords === 256 ? 256 * groups : VECTOR * (bytes + 1) * 2;
  scanAndMerge(device, tensors, parts, (lists) =>
    device.launch({
      kernel: "scanTables",
      items,
      grain: grainOf(plan.operations),
      arguments: [
        tables.address,
        blocks.address,
        scales?.address ?? 0,
        offsets?.address ?? 0,
        tensors.allowed?.address ?? 0,
        probes?.starts.address ?? 0,
        probes?.ends.address ?? 0,
        probes?.biases.address ?? 0,
        tensors.foundIndices?.address ?? 0,
        tensors.foundDistances?.address ?? 0,
        lists.address,
        queries,
        groups,
        codewords,
        rows,
        tensors.indices.shape[1]!,
        tensors.firstIndex,
        perQuery,
        Number(screened),
        listSize(tensors.indices.shape[1]!),
        block,
        share,
      ],
      scratch: block * (QUERY_BYTES + (screened ? tableBytes : 0)),
      fault: {
        kind: FAULT.probe,
        columns: Math.max(1, perQuery),
        limit: rows,
        values: probes?.starts.address ?? 0,
      },
      outputs: [lists],
      inputs: [
        tables.storage,
        blocks.storage,
        scales?.storage,
        offsets?.storage,
        tensors.allowed?.storage,
        probes?.starts.storage,
        probes?.ends.storage,
        probes?.biases.storage,
      ],
    }),
  );
}

/** A query at a time, each with all its probes. */
function planProbes(queries: number, probes: number, entries: number) {
  return {
    block: 1,
    // All rows.
    share: 2 ** 31,
    parts: 1,
    items: queries,
    operations: entries * 4 + probes * 20_000,
  };
}
