import { count } from "./format.js";
import type { Parameters } from "./protocol.js";

/** Rows to measure on; see data.ts. */
export interface RowsChoice {
  readonly source: "synthetic" | "noise" | "words" | "industrial";
  readonly rows: number;
  readonly cols: number;
}

/** Something to measure, the same for all that take part. */
export interface BenchCase {
  /** Short and unique, such as `assign-256`; what `--only` matches. */
  readonly name: string;
  readonly title: string;
  /** The kind of {@link Task}. */
  readonly kind: string;
  readonly rows: RowsChoice;
  /** Give all the same codebook of this many rows, drawn at random. */
  readonly codebookSize?: number;
  readonly parameters?: Parameters;
  readonly work?: Work;
  readonly outcome: Outcome;
  readonly entries: readonly Entry[];
  /** The entry whose time is the measure of the others'. */
  readonly reference: string;
  /** A call takes minutes: it is timed once, without a warm-up. */
  readonly once?: boolean;
  /** The longest that one request may take. */
  readonly limitSeconds: number;
  /** What the reader must know to compare the rows of the table. */
  readonly notes?: readonly string[];
}

/** One row of a case's table. */
export interface Entry {
  /** Of contenders.ts. */
  readonly contender: string;
  /** Tells two entries of one contender apart. */
  readonly variant?: string;
  /** As the table names it, in place of the contender's title and the variant. */
  readonly title?: string;
  readonly kind?: string;
  readonly parameters?: Parameters;
  /** Where it differs from the case's. */
  readonly work?: Work;
  readonly rows?: RowsChoice;
  /** The entry that says what this one could reach at best. */
  readonly ceiling?: string;
  /** Measures the machine, not a library. */
  readonly isCeiling?: boolean;
}

/** How much is done in a call, so that times become rates. */
export interface Work {
  readonly amount: number;
  readonly unit: "FLOP" | "B" | "row" | "query" | "step";
}

/**
 * What the result file of a contender holds, and so how the judge tells its quality:
 *
 * - `codes`: the codes `[n, 1]` of the rows in the given codebook; quality is the distortion
 * - `codebook`: a codebook `[k, d]`; the distortion of the rows' nearest codewords
 * - `decoded`: rows `[m, d]` that came back, m ≤ n; the distortion of the first m rows
 * - `neighbours`: ids `[q, k]` of the nearest rows to the last q rows, among the others; 1 − recall@10
 * - `signs`: bits, packed from the lowest on; the share of bits that are wrong
 */
export type Outcome = "codes" | "codebook" | "decoded" | "neighbours" | "signs";

/** Another way in which the entry's contender does the task. */
export function variantOf(entry: Entry, variant: string, parameters: Parameters): Entry {
  return { ...entry, variant, parameters };
}

/** An entry's name within its case: `faiss`, or `faiss/defaults` for a variant. */
export function entryName({ contender, variant }: Entry): string {
  return variant === undefined ? contender : `${contender}/${variant}`;
}

/** `what` with the rows that it is done on. */
export function titleOf(what: string, { source, rows, cols }: RowsChoice): string {
  return `${what}; ${source}, ${count(rows)} × ${cols}`;
}
