import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  type ComputeBackend,
  MAX_NEIGHBOURS,
  type Quantizers,
  type Rows,
  TesseraError,
  throwIfAborted,
  type WorkOptions,
} from "@tessera/core";
import { exactSearch } from "../exact.js";
import { checkMetric, type Metric } from "../metric.js";
import { checkCount } from "../options.js";
import { Budget } from "./budget.js";
import { type Candidate, candidatesFor, type SizedCandidate } from "./candidates.js";
import { choose, closest, paretoFront, type Target } from "./choose.js";
import { type HeldOut, holdOut } from "./hold-out.js";
import { type Bench, measure, type Trial } from "./measure.js";

export interface RecommendOptions extends WorkOptions {
  /** The most bytes that an index may keep of a vector. This or `recall` must be given, or both. */
  readonly bytes?: number | undefined;
  /** The least recall at k, above 0 and at most 1. */
  readonly recall?: number | undefined;
  /** Neighbours of each query, 1..4096. Default 10. */
  readonly k?: number | undefined;
  /** Default `l2`. */
  readonly metric?: Metric | undefined;
  /** Judge by the recall after looking at `rescore` · k candidates again, by the vectors themselves. Default: not at all. */
  readonly rescore?: number | undefined;
  /** Seconds after which no more is tried, and what has not come to its end is stopped. Default 60. */
  readonly budget?: number | undefined;
  /** Rows to search, drawn at random; models learn from up to 32,768 of them. Default 100,000, or as fill 256 MiB. */
  readonly sample?: number | undefined;
  /** Same seed and rows: the same but for rates. Default 0. */
  readonly seed?: number | undefined;
  /**
   * What to try, in this order; but once something meets `recall`, what is sure to be smaller goes first. Default: what
   * suits the rows and the target.
   */
  readonly candidates?: readonly (Candidate | SizedCandidate)[] | undefined;
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

/** A candidate that gave no figures: the time was up, or what was the matter. */
export interface Untried extends Candidate {
  readonly reason: string | undefined;
}

export interface Recommendation {
  readonly target: Target;
  /** What meets the target best; `undefined` if nothing that was tried does. */
  readonly chosen: Trial | undefined;
  /** What is chosen, or else comes closest to the target. */
  readonly best: Trial;
  /** What was tried, by size, and of equal sizes first what finds more. */
  readonly trials: readonly Trial[];
  /** Those than which no other is as small and finds as much. */
  readonly front: ReadonlySet<Trial>;
  readonly untried: readonly Untried[];
  readonly dimension: number;
  /** Rows that there were to draw from, that were searched, that models learned from, and that were searched for. */
  readonly total: number;
  readonly searched: number;
  readonly learned: number;
  readonly queries: number;
  /** With their defaults. */
  readonly settings: {
    readonly k: number;
    readonly metric: Metric;
    readonly rescore: number | undefined;
    readonly budget: number;
    readonly seed: number;
  };
}

/** 128 for each of 256 codewords: with more, codebooks hardly get better. */
const LEARNED_ROWS = 32_768;

/**
 * Finds out which quantizer to search rows with: fits those that are sensible for their number and dimension, searches for
 * rows that were held out, and weighs bytes against recall.
 *
 * @param rows `[n, d]`, or batches of it, which are read once
 * @param quantizers what fits the candidates; those of `createQuantizers` with the parts of all of them
 * @throws {ArgumentError} for an option out of range, for too few rows, or if the time was up before anything was tried
 * @throws {NonFiniteError} naming a row that is not finite
 * @throws {AbortedError} once `signal` fires
 */
export async function recommend(
  rows: Rows,
  quantizers: Pick<Quantizers, "fit">,
  options: RecommendOptions,
): Promise<Recommendation> {
  const { signal, sample, rescore } = options;
  const settings = checkSettings(options);
  const { k, metric, budget: seconds, seed } = settings;
  throwIfAborted(signal);
  const backend = await resolveBackend(options.backend);
  const budget = new Budget(seconds, signal);
  try {
    const { onProgress } = options;
    await onProgress?.({ task: "hold out rows", done: 0, total: undefined });
    const held = await within(budget, seconds, () => holdOut(rows, sample, k, seed, budget.signal));
    const { base, queries, total } = held;
    await onProgress?.({ task: "search exactly", done: 0, total: undefined });
    const counts = [...new Set([1, k, 10, 100])].filter((count) => count <= base.rows);
    counts.sort((a, b) => a - b);
    const exact = { k: Math.max(...counts), metric, backend, signal: budget.signal };
    const truth = await within(budget, seconds, () => exactSearch(base, queries, exact));

    const target = { bytes: options.bytes, recall: options.recall };
    const learned = Math.min(base.rows, LEARNED_ROWS);
    const rowsAndTruth = { base, queries, truth, counts, learned };
    const bench = { ...rowsAndTruth, quantizers, backend, metric, k, rescore, seed };
    const candidates = options.candidates ?? candidatesOf(held, learned, target);
    const { trials, untried } = await tryAll(candidates, bench, budget, options);
    const chosen = choose(trials, target);
    const best = chosen ?? closest(trials, target);
    if (!best) throw nothingTried(untried, seconds);
    return {
      target,
      chosen,
      best,
      trials: trials.toSorted(
        (a, b) => a.bytesPerVector - b.bytesPerVector || b.reached - a.reached,
      ),
      front: paretoFront(trials),
      untried,
      dimension: base.cols,
      total,
      searched: base.rows,
      learned,
      queries: queries.rows,
      settings,
    };
  } finally {
    budget.end();
  }
}

function candidatesOf({ base, total }: HeldOut, learned: number, { bytes = Infinity }: Target) {
  return candidatesFor({ dimension: base.cols, learned, total, bytes });
}

/** One after another, until the time is up. What cannot be fitted to these rows is no reason not to try the others. */
async function tryAll(
  candidates: readonly (Candidate | SizedCandidate)[],
  bench: Bench,
  budget: Budget,
  { signal, onProgress, recall }: Pick<RecommendOptions, "signal" | "onProgress" | "recall">,
): Promise<{ trials: readonly Trial[]; untried: readonly Untried[] }> {
  const waiting = [...candidates];
  const trials: Trial[] = [];
  const untried: Untried[] = [];
  while (waiting.length > 0) {
    const [{ spec, nprobe }] = waiting.splice(nextOf(waiting, trials, recall), 1) as [Candidate];
    if (budget.isSpent) {
      untried.push({ spec, nprobe, reason: undefined });
      continue;
    }
    const task = `${candidates.length - waiting.length}/${candidates.length} ${spec}`;
    try {
      const work: WorkOptions = {
        signal: budget.signal,
        onProgress: onProgress && ((progress) => onProgress({ ...progress, task })),
      };
      trials.push(await measure({ spec, nprobe }, bench, work));
    } catch (error) {
      throwIfAborted(signal);
      if (!(error instanceof TesseraError)) throw error;
      untried.push({ spec, nprobe, reason: budget.ended(error) ? undefined : error.message });
    }
  }
  return { trials, untried };
}

/** The place of the first candidate that can still be smaller than what is enough, or else of the first. */
function nextOf(
  waiting: readonly (Candidate | SizedCandidate)[],
  trials: readonly Trial[],
  recall = Infinity,
): number {
  const enough = trials.filter(({ reached }) => reached >= recall);
  const least = Math.min(...enough.map(({ bytesPerVector }) => bytesPerVector));
  return Math.max(
    0,
    waiting.findIndex((candidate) => "bytes" in candidate && candidate.bytes < least),
  );
}

/** Runs what must be done before anything can be tried. */
async function within<T>(budget: Budget, seconds: number, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw budget.ended(error) ? nothingTried([], seconds) : error;
  }
}

function nothingTried(untried: readonly Untried[], seconds: number): ArgumentError {
  const failed = untried.find(({ reason }) => reason !== undefined);
  if (failed) return new ArgumentError(`nothing fits: ${failed.spec}: ${failed.reason}`);
  return new ArgumentError(`the time was up (${seconds} s) before anything had been tried`, {
    hint: "allow more time, or draw a smaller sample",
  });
}

function checkSettings(options: RecommendOptions): Recommendation["settings"] {
  const { bytes, recall, k = 10, metric = "l2", rescore, budget = 60, seed = 0 } = options;
  if (bytes === undefined && recall === undefined) {
    throw new ArgumentError("nothing is asked for", {
      hint: "give bytes, the most that a vector may take, or recall, the least that is enough",
    });
  }
  if (bytes !== undefined) checkCount("bytes", bytes, Number.MAX_SAFE_INTEGER);
  if (recall !== undefined && !(recall > 0 && recall <= 1)) {
    throw new ArgumentError(`recall is ${recall}; it must be above 0 and at most 1`);
  }
  checkCount("k", k, MAX_NEIGHBOURS);
  checkMetric(metric);
  if (rescore !== undefined) checkCount("rescore", rescore, Math.floor(MAX_NEIGHBOURS / k));
  if (!(budget > 0)) throw new ArgumentError(`budget is ${budget}; it must be seconds above 0`);
  if (options.sample !== undefined) checkCount("sample", options.sample, Number.MAX_SAFE_INTEGER);
  return { k, metric, rescore, budget, seed };
}
