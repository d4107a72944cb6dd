import { inverseNorms, unitRows } from "../metric.js";
import { readCodes } from "../plan.js";
import type { FoundRows } from "../scan/top-k.js";
import { addConstants, partOf, scan } from "./scan-chunks.js";
import { blockRows, type SearchTask } from "./task.js";

/** Cosines with rows that are decoded all the way, where no shorter way keeps angles. */
export async function searchWhole(task: SearchTask): Promise<FoundRows> {
  const { plan, queries, backend, signal, count } = task;
  const { model } = plan;
  const step = blockRows(model.dimension);
  const form = { kind: "rows", rows: unitRows(queries), metric: "ip" } as const;
  const found = await scan(task, form, async (session, chunk, block) => {
    for (let start = 0; start < chunk.size; start += step) {
      const end = Math.min(chunk.size, start + step);
      const codes = readCodes(plan, chunk, start, end);
      const rows = await model.decode(codes, { backend, signal });
      session.rows(rows, { ...partOf(block, start, end), scales: inverseNorms(rows) });
    }
  });
  addConstants(found, new Float64Array(queries.rows).fill(1), count, 0);
  return found;
}
