import type { CompleteBackend, Matrix } from "@tessera/core";
import type { Chunk, ChunkSource } from "../chunk.js";
import type { Metric } from "../metric.js";
import type { Plan } from "../plan.js";

/** A batch of queries, and what to search for them. */
export interface SearchTask {
  readonly plan: Plan;
  readonly chunks: readonly ChunkSource[];
  /** Index of each chunk's first place among all. */
  readonly firsts: readonly number[];
  readonly queries: Matrix;
  readonly metric: Metric;
  readonly count: number;
  readonly nprobe: number;
  readonly backend: CompleteBackend;
  readonly signal: AbortSignal | undefined;
  /** Which places of a chunk take part. */
  mask(index: number, chunk: Chunk): Uint8Array | undefined;
}

/** Values of decoded rows at a time: 4 MiB, which stay in a cache. */
const BLOCK_VALUES = 2 ** 20;

/** Rows of a block, a multiple of 32. */
export function blockRows(dimension: number): number {
  return Math.max(32, Math.floor(BLOCK_VALUES / dimension / 32) * 32);
}
