import {
  type CompleteBackend,
  evaluate,
  type Matrix,
  type Quantizers,
  sliceRows,
  type WorkOptions,
} from "@tessera/core";
import { recallAt } from "../exact.js";
import type { Metric } from "../metric.js";
import type { SearchResult } from "../options.js";
import { createIndex } from "../search-index.js";
import type { Candidate } from "./candidates.js";

/** What one candidate came to. Rates are those of the machine, and differ from run to run. */
export interface Trial extends Candidate {
  /** What the index keeps of a row beside its id. */
  readonly bytesPerVector: number;
  /** Bytes of the model's file, once for all rows. */
  readonly modelBytes: number;
  /** Share of the true nearest that are among as many found, for 1, 10 and 100 of them and k. */
  readonly recall: Readonly<Record<number, number>>;
  /** Recall at k: after re-scoring, where that was asked for. This is what counts. */
  readonly reached: number;
  /** Of held-out rows: mean of the squared L2 error. */
  readonly distortion: number;
  /** The same as a share of the variance. */
  readonly relativeDistortion: number;
  readonly fitSeconds: number;
  readonly encodedPerSecond: number;
  /** Searching for all queries at once. */
  readonly queriesPerSecond: number;
}

/** What all candidates are measured on. */
export interface Bench {
  readonly quantizers: Pick<Quantizers, "fit">;
  readonly backend: CompleteBackend;
  readonly base: Matrix;
  readonly queries: Matrix;
  /** The exact neighbours of the queries. */
  readonly truth: SearchResult;
  readonly metric: Metric;
  readonly k: number;
  readonly rescore: number | undefined;
  /** Numbers of neighbours to tell the recall of, k among them. */
  readonly counts: readonly number[];
  readonly seed: number;
  /** Rows to learn from. */
  readonly learned: number;
}

/** Fits a candidate, fills an index with the base, and searches it for the queries. */
export async function measure(
  { spec, nprobe }: Candidate,
  bench: Bench,
  { signal, onProgress }: WorkOptions,
): Promise<Trial> {
  const { quantizers, backend, base, queries, truth, metric, k, rescore, counts } = bench;
  const { seed, learned } = bench;
  const fitting = { backend, seed, sample: learned, signal, onProgress };
  const fit = await timed(() => quantizers.fit(spec, base, fitting));
  const model = fit.value;
  const index = createIndex(model, { lists: nprobe !== undefined });
  const add = await timed(() => index.add(base, { backend, signal, onProgress }));
  const { distortion, relativeDistortion } = await evaluate(model, queries, { backend, signal });

  // Exact distances put candidates in the right order, so that what was found among them is all that counts.
  const candidates = Math.min(base.rows, k * (rescore ?? 1));
  const searching = { k: Math.max(candidates, ...counts), metric, nprobe, backend, signal };
  // The first search sorts the lists.
  await index.search(sliceRows(queries, 0, 1), searching);
  const search = await timed(() => index.search(queries, searching));
  const found = search.value;
  return {
    spec,
    nprobe,
    bytesPerVector: index.bytesPerVector,
    modelBytes: model.save().length,
    recall: Object.fromEntries(counts.map((count) => [count, recallAt(found, truth, count)])),
    reached: recallAt(found, truth, k, candidates),
    distortion,
    relativeDistortion,
    fitSeconds: fit.seconds,
    encodedPerSecond: base.rows / add.seconds,
    queriesPerSecond: queries.rows / search.seconds,
  };
}

async function timed<T>(body: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const start = performance.now();
  const value = await body();
  // A clock may be so coarse that no time has passed.
  return { value, seconds: Math.max(1e-6, (performance.now() - start) / 1000) };
}
