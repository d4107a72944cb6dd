import { throwIfAborted } from "@tessera/core";
import type { Chunk } from "../chunk.js";
import { openScan } from "../scan/open.js";
import type { QueryForm, ScanBlock, ScanSession } from "../scan/session.js";
import type { FoundRows } from "../scan/top-k.js";
import type { SearchTask } from "./task.js";

/** Scans all chunks for queries of one form. */
export async function scan(
  task: SearchTask,
  form: QueryForm,
  body: (session: ScanSession, chunk: Chunk, block: ScanBlock) => Promise<void>,
): Promise<FoundRows> {
  const { backend, queries, count, firsts } = task;
  const session = openScan(backend, form, queries.rows, count);
  try {
    await eachChunk(task, session, (chunk, index) =>
      body(session, chunk, {
        rows: chunk.size,
        firstIndex: firsts[index]!,
        allowed: task.mask(index, chunk),
      }),
    );
    return await session.finish();
  } finally {
    session.dispose();
  }
}

/** Runs `body` on one chunk after another; what is read for it alone may be dropped then. */
async function eachChunk(
  { chunks, signal }: SearchTask,
  session: ScanSession,
  body: (chunk: Chunk, index: number) => Promise<void>,
): Promise<void> {
  for (const [index, source] of chunks.entries()) {
    throwIfAborted(signal);
    await body(await source.load(), index);
    if (source.transient) await session.settle();
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

/** Adds to each query's distances what they lack. */
export function addConstants(
  { indices, distances }: FoundRows,
  constants: Float64Array,
  count: number,
): void {
  for (let at = 0; at < distances.length; at++) {
    if (indices[at]! >= 0) distances[at]! += constants[Math.floor(at / count)]!;
  }
}
