import { type Matrix, throwIfAborted } from "@tessera/core";
import type { Chunk } from "../chunk.js";
import { decodeMain } from "../plan.js";
import { openScan } from "../scan/open.js";
import { type FoundRows, TopK } from "../scan/top-k.js";
import { rowQueries } from "./flat.js";
import type { SearchTask } from "./task.js";
import { boundsOf, visitedChunks, type Visits } from "./visits.js";

/** Queries that visit one list. */
interface Visitors {
  readonly list: number;
  readonly queries: number[];
  /** What a distance within the list lacks, for each query. */
  readonly distances: number[];
}

/** Lists that are scanned at a time, so that one is decoded while another is scanned. */
const AT_ONCE = 8;

/** Decodes each list that is visited once, for all queries that visit it. */
export async function searchListRows(
  task: SearchTask,
  queries: Matrix,
  visits: Visits,
): Promise<FoundRows> {
  const { chunks, firsts, count, signal } = task;
  const best = Array.from({ length: queries.rows }, () => new TopK(count));
  const wants = visitedChunks(visits);
  const visited = visitorsOf(visits, queries.rows);
  for (const [index, source] of chunks.entries()) {
    if (!wants(source)) continue;
    const chunk = await source.load();
    for (let at = 0; at < visited.length; at += AT_ONCE) {
      throwIfAborted(signal);
      await Promise.all(
        visited
          .slice(at, at + AT_ONCE)
          .map((visitors) =>
            scanList(task, queries, visitors, chunk, firsts[index]!, task.mask(index, chunk), best),
          ),
      );
    }
  }
  const places = queries.rows * count;
  const found = { indices: new Int32Array(places), distances: new Float32Array(places) };
  best.forEach((nearest, q) => nearest.drainInto(found, q));
  return found;
}

async function scanList(
  task: SearchTask,
  queries: Matrix,
  visitors: Visitors,
  chunk: Chunk,
  firstIndex: number,
  allowed: Uint8Array | undefined,
  best: readonly TopK[],
): Promise<void> {
  const { plan, metric, backend, count } = task;
  const bounds = boundsOf(chunk);
  const start = bounds.starts[visitors.list]!;
  const end = bounds.ends[visitors.list]!;
  if (start === end) return;
  const isWithin = metric === "l2" && !plan.estimator;
  const form = rowQueries(plan, queriesOf(task, queries, visitors, isWithin), metric);
  const session = openScan(backend, form, visitors.queries.length, count);
  try {
    const codes = plan.layout.read(chunk.stored, start, end);
    session.rows(await decodeMain(plan, codes, backend), {
      rows: end - start,
      firstIndex: firstIndex + start,
      allowed: allowed?.subarray(start / 8),
      scales: chunk.scales?.subarray(start, end),
      offsets: metric === "l2" ? chunk.offsets?.subarray(start, end) : undefined,
    });
    const { indices, distances } = await session.finish();
    for (const [i, query] of visitors.queries.entries()) {
      const bias = isWithin ? 0 : visitors.distances[i]!;
      for (let at = i * count; at < (i + 1) * count && indices[at]! >= 0; at++) {
        best[query]!.push(indices[at]!, Math.fround(distances[at]! + bias));
      }
    }
  } finally {
    session.dispose();
  }
}

/** The visitors' rows; squared distances are measured from the list's codeword. */
function queriesOf(
  { plan }: SearchTask,
  { data, cols }: Matrix,
  { list, queries }: Visitors,
  isWithin: boolean,
): Matrix {
  const rows = new Float32Array(queries.length * cols);
  const codewords = plan.lists!.first.codebook.data;
  queries.forEach((query, i) => {
    for (let j = 0; j < cols; j++) {
      rows[i * cols + j] = data[query * cols + j]! - (isWithin ? codewords[list * cols + j]! : 0);
    }
  });
  return { data: rows, rows: queries.length, cols };
}

function visitorsOf({ count, lists, distances }: Visits, queries: number): Visitors[] {
  const byList = new Map<number, Visitors>();
  for (let q = 0, at = 0; q < queries; q++) {
    for (let p = 0; p < count; p++, at++) {
      const list = lists[at]!;
      const visitors = byList.get(list) ?? { list, queries: [], distances: [] };
      visitors.queries.push(q);
      visitors.distances.push(distances[at]!);
      byList.set(list, visitors);
    }
  }
  return [...byList.values()].sort((a, b) => a.list - b.list);
}
