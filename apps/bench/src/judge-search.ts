/** What found neighbours are worth: the share of the true ones among them. */
import { createCpuBackend } from "@tessera/backend-cpu";
import { type Matrix, sliceRows } from "@tessera/core";
import { exactSearch, recallAt, type SearchResult } from "@tessera/search";
import type { Recall } from "./results.js";

const truths = new Map<string, Promise<SearchResult>>();

/**
 * Recall of neighbours of the last rows among the others.
 *
 * @param key names the rows, whose true neighbours are sought once
 * @param ids `[queries, k]`
 */
export async function recallOf(
  key: string,
  rows: Matrix,
  ids: Int32Array,
  queries: number,
): Promise<Recall> {
  const k = ids.length / queries;
  const name = `${key} ${queries} ${k}`;
  const truth = truths.get(name) ?? trueNeighbours(rows, queries, k);
  truths.set(name, truth);
  const found = {
    queries,
    k,
    ids: Float64Array.from(ids),
    distances: new Float32Array(ids.length),
  };
  const at = async (count: number) => recallAt(found, await truth, Math.min(k, count));
  return { at1: await at(1), at10: await at(10), at100: await at(100) };
}

async function trueNeighbours(rows: Matrix, queries: number, k: number): Promise<SearchResult> {
  const backend = await createCpuBackend({ engine: "wasm" });
  try {
    const base = sliceRows(rows, 0, rows.rows - queries);
    return await exactSearch(base, sliceRows(rows, base.rows, rows.rows), { k, backend });
  } finally {
    backend.dispose();
  }
}
