import { type Matrix, MAX_NEIGHBOURS } from "@tessera/core";
import type { Chunk, ListBounds } from "../chunk.js";
import { distanceOf } from "../metric.js";
import { openScan } from "../scan/open.js";
import type { ProbeList, ScanBlock, ScanSession } from "../scan/session.js";
import type { FoundRows } from "../scan/top-k.js";
import { mapQueries } from "../space.js";
import { weightOf } from "./flat.js";
import { searchListRows } from "./list-rows.js";
import { addConstants, scan } from "./scan-chunks.js";
import type { SearchTask } from "./task.js";
import { boundsOf, visitedChunks, type Visits } from "./visits.js";
import { searchWhole } from "./whole.js";

/** Rows of the lists whose codewords are nearest to each query. */
export async function searchLists(task: SearchTask): Promise<FoundRows> {
  const { plan, metric, queries, backend, signal, count } = task;
  // Cosines are no sum of a list's part and a row's.
  if (metric === "cosine") return searchWhole(task);
  const mapped = await mapQueries(plan.space, queries, metric, { backend, signal });
  const visits = await chooseLists(task, mapped.rows, metric);
  const found = plan.tables
    ? await searchListTables(task, mapped.rows, visits)
    : await searchListRows(task, mapped.rows, visits);
  const least = metric === "ip" || plan.estimator ? -Infinity : 0;
  addConstants(found, mapped.constants, count, least);
  return found;
}

async function chooseLists(
  { plan, nprobe, backend }: SearchTask,
  rows: Matrix,
  metric: "l2" | "ip",
): Promise<Visits> {
  const { codebook } = plan.lists!.first;
  if (nprobe < codebook.rows && nprobe <= MAX_NEIGHBOURS) {
    const session = openScan(backend, { kind: "rows", rows, metric }, rows.rows, nprobe);
    try {
      session.rows(codebook, { rows: codebook.rows, firstIndex: 0 });
      const { indices, distances } = await session.finish();
      return { count: nprobe, lists: indices, distances };
    } finally {
      session.dispose();
    }
  }
  const count = codebook.rows;
  const { cols } = rows;
  const lists = new Int32Array(rows.rows * count);
  const distances = new Float32Array(rows.rows * count);
  for (let q = 0, at = 0; q < rows.rows; q++) {
    for (let list = 0; list < count; list++, at++) {
      lists[at] = list;
      distances[at] = distanceOf(metric, rows.data, q * cols, codebook.data, list * cols, cols);
    }
  }
  return { count, lists, distances };
}

async function searchListTables(
  task: SearchTask,
  queries: Matrix,
  visits: Visits,
): Promise<FoundRows> {
  const { plan, metric, backend } = task;
  const tables = plan.tables!;
  const form = {
    kind: "tables",
    tables: await tables.make(queries, weightOf(metric), false, backend),
    queries: queries.rows,
    columns: tables.tables,
    size: tables.size,
  } as const;
  const scanLists = async (session: ScanSession, chunk: Chunk, block: ScanBlock) => {
    const probes = probesOf(visits, boundsOf(chunk));
    const offsets = metric === "l2" ? chunk.offsets : undefined;
    const rows = { ...block, scales: chunk.scales, offsets };
    session.tables(chunk.stored.main, plan.layout.rowBytes, rows, probes);
  };
  return scan(task, form, scanLists, visitedChunks(visits));
}

function probesOf({ count, lists, distances }: Visits, { starts, ends }: ListBounds): ProbeList {
  return {
    count,
    starts: lists.map((list) => starts[list]!),
    ends: lists.map((list) => ends[list]!),
    biases: distances,
  };
}
