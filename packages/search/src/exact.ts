import { resolveBackend } from "@tessera/backend";
import {
  checkFinite,
  checkMatrix,
  type CompleteBackend,
  type ComputeBackend,
  type Matrix,
  MAX_NEIGHBOURS,
  ShapeError,
  sliceRows,
  throwIfAborted,
  type WorkOptions,
} from "@tessera/core";
import { checkMetric, checkQueries, inverseNorms, type Metric, unitRows } from "./metric.js";
import { checkCount, type SearchResult } from "./options.js";
import { openScan } from "./scan/open.js";
import { addConstants } from "./search/scan-chunks.js";

export interface ExactSearchOptions extends Pick<WorkOptions, "signal"> {
  /** Neighbours of each query, 1..4096. Default 10. */
  readonly k?: number | undefined;
  /** Default `l2`. */
  readonly metric?: Metric | undefined;
  /** Where to search. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

/** Values of rows that are scanned at a time, and of what is found: 16 MiB. */
const BLOCK_VALUES = 2 ** 22;
const MOST_QUERIES = 1024;

/**
 * The nearest rows to each query among the rows themselves: the truth that an index's results are held against. Ids are
 * the rows' numbers.
 *
 * @param rows `[n, d]`, finite
 * @param queries `[q, d]`
 * @throws {ShapeError | NonFiniteError | ArgumentError} for what is none of these
 */
export async function exactSearch(
  rows: Matrix,
  queries: Matrix,
  options: ExactSearchOptions = {},
): Promise<SearchResult> {
  const { k = 10, metric = "l2" } = options;
  checkMatrix(rows, "rows");
  checkFinite(rows, "rows");
  checkQueries(queries, rows.cols);
  checkMetric(metric);
  checkCount("k", k, MAX_NEIGHBOURS);
  const backend = await resolveBackend(options.backend);
  const result = {
    queries: queries.rows,
    k,
    ids: new Float64Array(queries.rows * k).fill(-1),
    distances: new Float32Array(queries.rows * k).fill(Infinity),
  };
  if (rows.rows === 0) return result;
  const size = Math.min(MOST_QUERIES, Math.floor(BLOCK_VALUES / k));
  const scales = metric === "cosine" ? inverseNorms(rows) : undefined;
  for (let start = 0; start < queries.rows; start += size) {
    const batch = sliceRows(queries, start, Math.min(queries.rows, start + size));
    const found = await scanAll(backend, rows, batch, k, metric, scales, options.signal);
    result.ids.set(found.indices, start * k);
    result.distances.set(found.distances, start * k);
  }
  return result;
}

async function scanAll(
  backend: CompleteBackend,
  rows: Matrix,
  queries: Matrix,
  k: number,
  metric: Metric,
  scales: Float32Array | undefined,
  signal: AbortSignal | undefined,
) {
  const form = {
    kind: "rows",
    rows: metric === "cosine" ? unitRows(queries) : queries,
    metric: metric === "l2" ? "l2" : "ip",
  } as const;
  const step = Math.max(1, Math.floor(BLOCK_VALUES / rows.cols));
  const session = openScan(backend, form, queries.rows, k);
  try {
    for (let start = 0; start < rows.rows; start += step) {
      throwIfAborted(signal);
      const block = sliceRows(rows, start, Math.min(rows.rows, start + step));
      session.rows(block, {
        rows: block.rows,
        firstIndex: start,
        scales: scales?.subarray(start, start + block.rows),
      });
    }
    const found = await session.finish();
    if (metric === "cosine") addConstants(found, new Float64Array(queries.rows).fill(1), k, 0);
    return found;
  } finally {
    session.dispose();
  }
}

/**
 * The share of the true k nearest that are among the first k found, over all queries.
 *
 * @param k at most as many as either has
 * @param among look for them among so many found instead: with k · f, what re-scoring f candidates a neighbour comes to
 */
export function recallAt(
  found: SearchResult,
  truth: SearchResult,
  k: number,
  among: number = k,
): number {
  if (found.queries !== truth.queries) {
    throw new ShapeError(`results of ${found.queries} queries, and the truth of ${truth.queries}`);
  }
  checkCount("k", k, Math.min(found.k, truth.k));
  checkCount("among", among, found.k);
  let hits = 0;
  let sought = 0;
  for (let q = 0; q < truth.queries; q++) {
    const seen = new Set(found.ids.subarray(q * found.k, q * found.k + among));
    for (const id of truth.ids.subarray(q * truth.k, q * truth.k + k)) {
      if (id < 0) continue;
      sought++;
      if (seen.has(id)) hits++;
    }
  }
  return sought === 0 ? 1 : hits / sought;
}
