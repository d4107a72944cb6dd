import type { Matrix } from "@tessera/core";
import type { Chunk } from "../chunk.js";
import type { Metric } from "../metric.js";
import { decodeMain, type Plan } from "../plan.js";
import { scansOn } from "../scan/open.js";
import type { QueryForm, ScanBlock } from "../scan/session.js";
import type { FoundRows } from "../scan/top-k.js";
import { keepsOrigin, mapQueries, type SpaceQueries } from "../space.js";
import { prefersRows } from "./cost.js";
import { addConstants, partOf, scan } from "./scan-chunks.js";
import { scalesForCosine } from "./cosine.js";
import { blockRows, type SearchTask } from "./task.js";
import { searchWhole } from "./whole.js";

/** Every row, by whatever the codes are scanned with soonest. */
export async function searchFlat(task: SearchTask): Promise<FoundRows> {
  const { plan, queries, metric, backend, signal } = task;
  if (plan.settings.symmetric) return searchBits(task);
  const options = { backend, signal };
  if (metric === "cosine" && !(await keepsOrigin(plan.space, options))) return searchWhole(task);
  const mapped = await mapQueries(plan.space, queries, metric, options);
  const found =
    plan.tables && !prefersRows(plan, queries.rows, backend)
      ? await searchTables(task, mapped.rows)
      : await searchRows(task, mapped.rows);
  // An estimate may well be below 0, a distance may not.
  const least = metric === "ip" || plan.estimator ? -Infinity : 0;
  addConstants(found, constantsOf(task, mapped), task.count, least);
  return found;
}

/** What a row's distance lacks after the scan: it depends on the query alone. */
function constantsOf({ plan, metric, backend }: SearchTask, mapped: SpaceQueries): Float64Array {
  const { rows, constants } = mapped;
  if (metric === "cosine") return constants.fill(1);
  const hasSquares = !plan.estimator && (!plan.tables || prefersRows(plan, rows.rows, backend));
  if (metric === "l2" && !hasSquares) {
    for (let i = 0, at = 0; i < rows.rows; i++) {
      for (let j = 0; j < rows.cols; j++, at++) constants[i]! += rows.data[at]! ** 2;
    }
  }
  return constants;
}

/** −w·⟨q, row⟩: twice the product belongs to a squared distance. */
export function weightOf(metric: Metric): number {
  return metric === "l2" ? 2 : 1;
}

async function searchTables(task: SearchTask, queries: Matrix): Promise<FoundRows> {
  const { plan, metric, backend } = task;
  const tables = plan.tables!;
  const withSquares = metric === "l2" && tables.disjoint && !plan.estimator;
  const form: QueryForm = {
    kind: "tables",
    tables: await tables.make(queries, weightOf(metric), withSquares, backend),
    queries: queries.rows,
    columns: tables.tables,
    size: tables.size,
  };
  return scan(task, form, async (session, chunk, block) => {
    const factors = await factorsFor(plan, chunk, metric);
    session.tables(chunk.stored.main, plan.layout.rowBytes, { ...block, ...factors });
  });
}

/** Rows decoded block by block. */
async function searchRows(task: SearchTask, queries: Matrix): Promise<FoundRows> {
  const { plan, metric, backend } = task;
  const { layout, estimator } = plan;
  const form = rowQueries(plan, queries, metric);
  const decoder = scansOn(backend, "rows") ? plan.decoder?.open(backend) : undefined;
  const step = blockRows(queries.cols);
  try {
    return await scan(task, form, async (session, chunk, block) => {
      const factors = estimator || metric === "cosine" ? await factorsFor(plan, chunk, metric) : {};
      for (let start = 0; start < chunk.size; start += step) {
        const end = Math.min(chunk.size, start + step);
        const part = partOf({ ...block, ...factors }, start, end);
        if (decoder) {
          session.rows(
            () =>
              decoder.decode(layout.mainRows(chunk.stored, start, end), end - start, () =>
                layout.readMain(chunk.stored, start, end),
              ),
            part,
          );
        } else {
          const codes = layout.read(chunk.stored, start, end);
          session.rows(await decodeMain(plan, codes, backend), part);
        }
      }
    });
  } finally {
    decoder?.dispose();
  }
}

/** Queries for a scan of decoded rows; of what an estimator stretches, only the product counts. */
export function rowQueries(plan: Plan, queries: Matrix, metric: Metric): QueryForm {
  if (!plan.estimator)
    return { kind: "rows", rows: queries, metric: metric === "l2" ? "l2" : "ip" };
  const weight = weightOf(metric);
  const rows = { ...queries, data: queries.data.map((value) => weight * value) };
  return { kind: "rows", rows, metric: "ip" };
}

async function searchBits(task: SearchTask): Promise<FoundRows> {
  const { plan, queries, backend, signal } = task;
  const codes = await plan.model.encode(queries, { backend, signal });
  const { rowBytes } = plan.layout;
  return scan(task, { kind: "bits", bits: codes.pack(), rowBytes }, async (session, chunk, block) =>
    session.bits(chunk.stored.main, block),
  );
}

/** Scales and offsets that belong to products under a metric. */
async function factorsFor(
  plan: Plan,
  chunk: Chunk,
  metric: Metric,
): Promise<Pick<ScanBlock, "scales" | "offsets">> {
  if (metric === "cosine") return { scales: await scalesForCosine(plan, chunk) };
  return { scales: chunk.scales, ...(metric === "l2" && { offsets: chunk.offsets }) };
}
