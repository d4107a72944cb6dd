/** Tessera's index: rows are encoded and added before, searching is what is timed. */
import { fitRabitq, fitSign } from "@tessera/binary";
import {
  type CompleteBackend,
  createQuantizers,
  type Matrix,
  type Model,
  sliceRows,
} from "@tessera/core";
import { fitPq, splitPart } from "@tessera/pq";
import { residualPart } from "@tessera/rq";
import { fitScalar } from "@tessera/scalar";
import { createIndex, exactSearch, type SearchResult } from "@tessera/search";
import { vqPart } from "@tessera/vq";
import type { Task } from "../protocol.js";
import { job, type Job, numberOf, readMatrix } from "./serve.js";

export async function search(backend: CompleteBackend, task: Task): Promise<Job> {
  const all = await readMatrix(task.rows);
  const held = Math.min(numberOf(task, "queries"), Math.floor(all.rows / 10));
  const rows = sliceRows(all, 0, all.rows - held);
  const queries = sliceRows(all, all.rows - held, all.rows);
  const k = numberOf(task, "neighbours");
  if (task.parameters["index"] === "exact") {
    return searching(() => exactSearch(rows, queries, { k, backend }), 4 * rows.cols);
  }
  const training = sliceRows(rows, 0, Math.min(rows.rows, numberOf(task, "trainingRows")));
  const model = await fit(training, backend, task);
  const lists = task.parameters["index"] === "ivfpq";
  const index = createIndex(model, { lists });
  await index.add(rows, { backend });
  const options = { k, backend, ...(lists && { nprobe: numberOf(task, "nprobe") }) };
  return searching(() => index.search(queries, options), index.bytesPerVector);
}

function searching(run: () => Promise<SearchResult>, bytesPerVector: number): Job {
  return job({
    run,
    result: ({ ids, queries, k }) => ({
      data: Int32Array.from(ids),
      shape: [queries, k],
      bytesPerVector,
    }),
  });
}

async function fit(rows: Matrix, backend: CompleteBackend, task: Task): Promise<Model> {
  switch (task.parameters["index"]) {
    case "pq":
      return fitPq(rows, { ...product(task), backend });
    case "ivfpq": {
      const { groups, codebookSize } = product(task);
      const { fit: fitAny } = createQuantizers([vqPart, splitPart, residualPart]);
      const spec = `vq${numberOf(task, "lists")}+pq${groups}x${codebookSize}`;
      return fitAny(spec, rows, { backend });
    }
    case "rabitq":
      return fitRabitq(rows, { backend });
    case "sq8":
      return fitScalar(rows, { bits: 8 });
    case "signs":
      return fitSign(rows);
    default:
      throw new Error(`there is no index "${task.parameters["index"]}"`);
  }
}

function product(task: Task) {
  return { groups: numberOf(task, "groups"), codebookSize: 2 ** numberOf(task, "bits") };
}
