import { throwIfAborted } from "@tessera/core";
import type { Chunk, ChunkSource } from "../chunk.js";
import { openScan } from "../scan/open.js";
import type { QueryForm, ScanBlock, ScanSession } from "../scan/session.js";
import type { FoundRows } from "../scan/top-k.js";
import type { SearchTask } from "./task.js";

/** Scans all chunks that are wanted, for queries of one form. */
export async function scan(
  task: SearchTask,
  form: QueryForm,
  body: (session: ScanSession, chunk: Chunk, block: ScanBlock) => Promise<void>,
  wants: (source: ChunkSource) => boolean = () => true,
): Promise<FoundRows> {
  const { backend, queries, count, chunks, firsts, signal } = task;
  const session = openScan(backend, form, queries.rows, count);
  try {
    for (const [index, source] of chunks.entries()) {
      throwIfAborted(signal);
      if (!wants(source)) continue;
      const chunk = await source.load();
      await body(session, chunk, {
        rows: chunk.size,
        firstIndex: firsts[index]!,
        allowed: task.mask(index, chunk),
      });
      // What is read for the scan alone may be dropped then.
      if (source.transient) await session.settle();
    }
    return await session.finish();
  } finally {
    session.dispose();
  }
}

/** Rows `start..end` of a block; `start` is a multiple of 8. */
export function partOf(block: ScanBlock, start: number, end: number): ScanBlock {
  return {
    rows: end - start,
    firstIndex: block.firstIndex + start,
    allowed: block.allowed?.subarray(start / 8),
    scales: block.scales?.subarray(start, end),
    offsets: block.offsets?.subarray(start, end),
  };
}

/** Adds to each query's distances what they lack. What rounding left below the `least` that there is becomes that. */
export function addConstants(
  { indices, distances }: FoundRows,
  constants: Float64Array,
  count: number,
  least = -Infinity,
): void {
  for (let q = 0, at = 0; q < constants.length; q++) {
    const constant = constants[q]!;
    for (const end = at + count; at < end; at++) {
      if (indices[at]! >= 0) distances[at] = Math.max(least, distances[at]! + constant);
    }
  }
}
