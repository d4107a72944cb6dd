/** Tessera's quantizers, from rows in memory to models and codes: what `npm i` and the README's lines give. */
import {
  type Codes,
  type CompleteBackend,
  type Matrix,
  type Model,
  type Rows,
  sliceRows,
} from "@tessera/core";
import { fitKmeans } from "@tessera/kmeans";
import { fitPq } from "@tessera/pq";
import { fitRq } from "@tessera/rq";
import { VqModel } from "@tessera/vq";
import type { Task } from "../protocol.js";
import { job, type Job, numberOf, readMatrix } from "./serve.js";

/** From the given start, all rows, as many iterations as asked for; or all as Tessera does it by default. */
export async function kmeans(backend: CompleteBackend, task: Task): Promise<Job> {
  const rows = await readMatrix(task.rows);
  const init = await readMatrix(task.codebook);
  const settings =
    task.parameters["defaults"] === true
      ? {}
      : { init, iterations: numberOf(task, "iterations"), tolerance: 0 };
  return job({
    run: () => fitKmeans(rows, { codebookSize: init.rows, backend, ...settings }),
    result: ({ codebook }) => ({ data: codebook.data, shape: [codebook.rows, codebook.cols] }),
  });
}

/** Learns a model of some kind. */
export type Fit = (rows: Matrix, backend: CompleteBackend, task: Task) => Promise<Model>;

export const fitResidual: Fit = (rows, backend, task) =>
  fitRq(rows, {
    levels: numberOf(task, "levels"),
    codebookSize: 2 ** numberOf(task, "bits"),
    beam: numberOf(task, "beam"),
    backend,
  });

/** On all rows unless its defaults are asked for. */
export const fitProduct: Fit = (rows, backend, task) =>
  fitPq(rows, {
    groups: numberOf(task, "groups"),
    codebookSize: 2 ** numberOf(task, "bits"),
    ...(task.parameters["defaults"] === true ? {} : { sample: Infinity }),
    backend,
  });

/** Times the learning. */
export async function train(fit: Fit, backend: CompleteBackend, task: Task): Promise<Job> {
  const rows = await readMatrix(task.rows);
  return job({
    run: () => fit(rows, backend, task),
    result: async (model) => decoded(model, await model.encode(rows, { backend })),
  });
}

/** Times the encoding with a model that was learned from the same rows. */
export async function encode(fit: Fit, backend: CompleteBackend, task: Task): Promise<Job> {
  const rows = await readMatrix(task.rows);
  const model = await fit(rows, backend, task);
  return job({
    run: () => model.encode(rows, { backend }),
    result: (codes) => decoded(model, codes),
  });
}

/** Codes of rows by a given codebook, through a model: the rows in memory, or batch by batch. */
export async function encodeByCodebook(
  backend: CompleteBackend,
  task: Task,
  streamed: boolean,
): Promise<Job> {
  const rows = await readMatrix(task.rows);
  const codebook = await readMatrix(task.codebook);
  const model = new VqModel({ kind: "vq", codebookSize: codebook.rows }, codebook);
  const input: Rows = streamed
    ? batches(rows, numberOf(task, "totalRows"), numberOf(task, "batchRows"))
    : rows;
  return job({
    run: () => model.encode(input, { backend }),
    result: (codes) => ({
      data: Int32Array.from(codes.data.subarray(0, rows.rows)),
      shape: [rows.rows, 1],
    }),
  });
}

/**
 * A stream that starts anew each time. Its batches are views of the same rows in turn, so that making them costs nothing
 * and the time is that of streaming.
 */
function batches(pool: Matrix, total: number, size: number): AsyncIterable<Matrix> {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < total; start += size) {
        const at = start % pool.rows;
        yield sliceRows(pool, at, at + size);
      }
    },
  };
}

async function decoded(model: Model, codes: Codes) {
  const { data, rows, cols } = await model.decode(codes);
  return { data, shape: [rows, cols] };
}
