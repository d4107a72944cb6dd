import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  type CompleteBackend,
  type Matrix,
  MAX_NEIGHBOURS,
  sliceRows,
} from "@tessera/core";
import { type Chunk, type ChunkSource, hasBit } from "./chunk.js";
import { toPredicate } from "./ids.js";
import { checkQueries } from "./metric.js";
import {
  type CheckedSearch,
  checkSearch,
  type SearchOptions,
  type SearchResult,
} from "./options.js";
import type { Plan } from "./plan.js";
import { boundsHold, type Candidates, rescoreCandidates } from "./rescore.js";
import type { FoundRows } from "./scan/top-k.js";
import { searchFlat } from "./search/flat.js";
import { searchLists } from "./search/lists.js";
import type { SearchTask } from "./search/task.js";

/** Values of look-up tables, and of found rows, for one batch of queries: 16 MiB each. */
const BATCH_VALUES = 2 ** 22;
const MOST_QUERIES = 1024;

/** Searches one state of an index: chunks that are added meanwhile are not seen. */
export async function runSearch(
  plan: Plan,
  chunks: readonly ChunkSource[],
  queries: Matrix,
  options: SearchOptions,
): Promise<SearchResult> {
  checkQueries(queries, plan.model.dimension);
  const checked = checkSearch(options, plan.lists?.first.codebook.rows);
  if (options.rescore === "bound" && !plan.estimator) {
    throw new ArgumentError("rescore is bound, but this model's estimates have none", {
      hint: "use a model such as rabitq, or give a number of candidates a neighbour",
    });
  }
  if (options.rescore === "bound" && checked.metric === "cosine") {
    throw new ArgumentError("rescore is bound, but cosines have no bounds", {
      hint: "search rows of unit length under ip, or give a number of candidates a neighbour",
    });
  }
  const backend = await resolveBackend(options.backend);
  const { k } = checked;
  const result = {
    queries: queries.rows,
    k,
    ids: new Float64Array(queries.rows * k).fill(-1),
    distances: new Float32Array(queries.rows * k).fill(Infinity),
  };
  const held = chunks.filter(({ live }) => live > 0);
  if (held.length === 0) return result;
  const size = batchSize(plan, checked.candidates);
  const mask = masks(options);
  for (let start = 0; start < queries.rows; start += size) {
    const batch = sliceRows(queries, start, Math.min(queries.rows, start + size));
    const found = await searchBatch(plan, held, batch, options, checked, backend, mask);
    result.ids.set(found.ids, start * k);
    result.distances.set(found.distances, start * k);
  }
  return result;
}

async function searchBatch(
  plan: Plan,
  chunks: readonly ChunkSource[],
  queries: Matrix,
  options: SearchOptions,
  { k, metric, nprobe, candidates, epsilon }: CheckedSearch,
  backend: CompleteBackend,
  mask: SearchTask["mask"],
): Promise<Pick<SearchResult, "ids" | "distances">> {
  const { rescore, exact, signal } = options;
  const firsts = firstPlaces(chunks);
  const task = { plan, chunks, firsts, queries, metric, nprobe, backend, signal, mask };
  const search = plan.lists ? searchLists : searchFlat;
  const places = firsts.at(-1)! + chunks.at(-1)!.size;
  for (let count = candidates; ; count = Math.min(MAX_NEIGHBOURS, 4 * count)) {
    const found = await search({ ...task, count });
    const all = await withIds(found, chunks, firsts);
    if (rescore === undefined) return nearest(all, queries.rows, count, k);
    const set: Candidates = { ...all, indices: found.indices, count };
    if (rescore === "bound") {
      const isLast = count >= Math.min(MAX_NEIGHBOURS, places);
      if (!(await boundsHold({ ...task, count }, set, k, epsilon)) && !isLast) continue;
    }
    const better = await rescoreCandidates({ ...task, count }, set, exact);
    return nearest({ ids: set.ids, distances: better }, queries.rows, count, k);
  }
}

/** Ids in place of indices. */
async function withIds(
  { indices, distances }: FoundRows,
  chunks: readonly ChunkSource[],
  firsts: readonly number[],
): Promise<{ ids: Float64Array; distances: Float32Array }> {
  const ids = new Float64Array(indices.length).fill(-1);
  for (const [index, source] of chunks.entries()) {
    const first = firsts[index]!;
    const end = first + source.size;
    let own: Float64Array | undefined;
    for (let at = 0; at < indices.length; at++) {
      const place = indices[at]!;
      if (place < first || place >= end) continue;
      own ??= await source.readIds();
      ids[at] = own[place - first]!;
    }
  }
  return { ids, distances };
}

/** The k nearest of `count` candidates a query; equal distances by id. */
function nearest(
  { ids, distances }: Pick<SearchResult, "ids" | "distances">,
  queries: number,
  count: number,
  k: number,
): Pick<SearchResult, "ids" | "distances"> {
  const best = {
    ids: new Float64Array(queries * k).fill(-1),
    distances: new Float32Array(queries * k).fill(Infinity),
  };
  const isBefore = (a: number, b: number): boolean =>
    distances[a] === distances[b] ? ids[a]! < ids[b]! : distances[a]! < distances[b]!;
  for (let q = 0; q < queries; q++) {
    const start = q * count;
    const end = start + count;
    // A scan finds rows in this order, unless ids do not rise with the rows, or distances are new.
    let at = start;
    while (at + 1 < end && ids[at + 1]! >= 0 && isBefore(at, at + 1)) at++;
    if (ids[start]! >= 0 && at + 1 === end) {
      for (let i = 0; i < k; i++) {
        best.ids[q * k + i] = ids[start + i]!;
        best.distances[q * k + i] = distances[start + i]!;
      }
      continue;
    }
    const order = Array.from({ length: count }, (_, i) => start + i);
    const found = order.filter((place) => ids[place]! >= 0);
    found.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    for (let i = 0; i < Math.min(k, found.length); i++) {
      best.ids[q * k + i] = ids[found[i]!]!;
      best.distances[q * k + i] = distances[found[i]!]!;
    }
  }
  return best;
}

/** Which places take part: those that hold rows, and that the filter lets through. Asked once for each chunk. */
function masks({ filter }: SearchOptions): SearchTask["mask"] {
  if (filter === undefined) return (_, chunk) => chunk.allowed;
  const passes = toPredicate(filter);
  const made: (Uint8Array | undefined)[] = [];
  return (index, chunk) => (made[index] ??= filtered(chunk, passes));
}

function filtered({ size, ids, allowed }: Chunk, passes: (id: number) => boolean): Uint8Array {
  const mask = new Uint8Array(Math.ceil(size / 8));
  for (let i = 0; i < size; i++) {
    if (allowed && !hasBit(allowed, i)) continue;
    if (passes(ids[i]!)) mask[i >> 3]! |= 1 << (i & 7);
  }
  return mask;
}

export function firstPlaces(chunks: readonly ChunkSource[]): number[] {
  let first = 0;
  return chunks.map(({ size }) => {
    const own = first;
    first += size;
    return own;
  });
}

function batchSize({ tables, space, lists }: Plan, candidates: number): number {
  const values = Math.max(
    candidates,
    space.leaf.dimension,
    tables ? tables.tables * tables.size : 1,
    lists ? lists.first.codebook.rows : 1,
  );
  return Math.max(1, Math.min(MOST_QUERIES, Math.floor(BATCH_VALUES / values)));
}
