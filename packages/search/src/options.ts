import {
  ArgumentError,
  type ComputeBackend,
  type Matrix,
  MAX_NEIGHBOURS,
  type WorkOptions,
} from "@tessera/core";
import type { IdFilter, Ids } from "./ids.js";
import { checkMetric, type Metric } from "./metric.js";

export interface IndexOptions {
  /**
   * Inverted lists: rows are sorted by the first code, and a search visits the lists whose codewords are nearest to the
   * query. The model must begin with a vq level: `vq1024+pq16x256`, `vq256+sq8`, `rq4x256`. Default false.
   */
  readonly lists?: boolean | undefined;
  /**
   * Compare bits with bits: queries are encoded, and the distance is the number of bits that differ. For codes of one bit
   * each; false compares the query itself with what the bits decode to. Default: true for models that end in `sign`.
   */
  readonly symmetric?: boolean | undefined;
}

export interface AddOptions extends WorkOptions {
  /** One for each row, not in the index yet. Default: the numbers that follow the largest so far. */
  readonly ids?: Ids | undefined;
  /** Where to encode. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

/** The rows that were added, for re-scoring: row i is that of id i, or a function gives the rows of some ids. */
export type ExactRows = Matrix | ((ids: Float64Array) => Matrix | Promise<Matrix>);

export interface SearchOptions extends Pick<WorkOptions, "signal"> {
  /** Neighbours of each query, 1..4096. Default 10. */
  readonly k?: number | undefined;
  /** Default `l2`. Hamming distances are the same under each. */
  readonly metric?: Metric | undefined;
  /** Which ids may be found. Default: all. */
  readonly filter?: IdFilter | undefined;
  /** Lists to visit, where there are lists. Default: the square root of their number, rounded up. */
  readonly nprobe?: number | undefined;
  /**
   * Look at `rescore` · k candidates again, by the distance to `exact` rows or else to decoded ones. `bound`, for models
   * with an estimator such as RaBitQ: at all rows that may be among the k nearest by the bounds of their estimates.
   */
  readonly rescore?: number | "bound" | undefined;
  /** ε₀ of `bound`: how many deviations an estimate may be off. Default 1.9. */
  readonly epsilon?: number | undefined;
  /** Rows as they were before encoding. */
  readonly exact?: ExactRows | undefined;
  /** Where to search. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

/** The neighbours of each query, nearest first; equal distances by id. Places without a row hold −1 and Infinity. */
export interface SearchResult {
  readonly queries: number;
  readonly k: number;
  /** `[queries, k]` */
  readonly ids: Float64Array;
  /** `[queries, k]` */
  readonly distances: Float32Array;
}

/** Options with their defaults, checked. */
export interface CheckedSearch {
  readonly k: number;
  readonly metric: Metric;
  readonly nprobe: number;
  /** Candidates of each query. */
  readonly candidates: number;
  readonly epsilon: number;
}

/** @throws {ArgumentError} naming an option out of range */
export function checkSearch(options: SearchOptions, lists: number | undefined): CheckedSearch {
  const { k = 10, metric = "l2", rescore, exact, epsilon = 1.9 } = options;
  checkCount("k", k, MAX_NEIGHBOURS);
  checkMetric(metric);
  if (lists === undefined && options.nprobe !== undefined) {
    throw new ArgumentError("nprobe is about lists, and this index has none", {
      hint: "create it with { lists: true }",
    });
  }
  const nprobe = options.nprobe ?? Math.ceil(Math.sqrt(lists ?? 1));
  checkCount("nprobe", nprobe, Number.MAX_SAFE_INTEGER);
  if (exact !== undefined && rescore === undefined) {
    throw new ArgumentError("exact rows are given, but no rescore says how many to look at", {
      hint: "give rescore: 4 for four candidates a neighbour",
    });
  }
  if (rescore !== undefined && rescore !== "bound" && !(rescore >= 1 && rescore < Infinity)) {
    throw new ArgumentError(`rescore is ${rescore}; it must be a number from 1, or "bound"`);
  }
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw new ArgumentError(`epsilon is ${epsilon}; it must be a positive number`);
  }
  const factor = rescore === "bound" ? 4 : (rescore ?? 1);
  const candidates = Math.min(MAX_NEIGHBOURS, Math.ceil(k * factor));
  return { k, metric, nprobe: Math.min(nprobe, lists ?? 1), candidates, epsilon };
}

export function checkCount(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? "from 1" : `from 1 to ${most}`;
    throw new ArgumentError(`${name} is ${value}; it must be an integer ${range}`);
  }
}
