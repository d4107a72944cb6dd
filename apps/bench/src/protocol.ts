/**
 * What the bench and a contender's process say to each other: one JSON object a line, requests on the contender's stdin,
 * replies on its stdout. The process greets first; then it answers each request, in order. It ends when stdin does.
 * peers/protocol.py and drivers/serve.ts are the contenders' side.
 */

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** What a contender is to do, and to which files (`.npy` of float32). */
export interface Task {
  /** Such as `assign`; each contender knows some. */
  readonly kind: string;
  /** `[n, d]` */
  readonly rows: string;
  /** `[k, d]` */
  readonly codebook?: string;
  readonly parameters: Parameters;
}

export type Request =
  /** Load the files and make everything ready that is not to be timed. */
  | { readonly op: "prepare"; readonly task: Task }
  /** Do the task again and again until `seconds` have gone by, once at least. */
  | { readonly op: "run"; readonly seconds: number }
  /** Write what the last run gave to a `.npy` file; see {@link Outcome} of case.ts for what that is. */
  | { readonly op: "result"; readonly path: string };

export interface Greeting {
  /** Library and version, such as `faiss 1.15.1`. */
  readonly name: string;
  /** What it computes with: instruction sets, threads. */
  readonly details: readonly string[];
  /** Resident memory with the library loaded and no data. */
  readonly startBytes: number;
  /** Facts that the bench acts upon. */
  readonly facts?: Readonly<Record<string, string>>;
}

/** What a contender says of the result that it wrote. */
export interface ResultFacts {
  /** Bytes that an index keeps of a row. */
  readonly bytesPerVector?: number;
  readonly codes?: CodeFacts;
}

/** How the codes of all rows stand. */
export interface CodeFacts {
  /** Different rows of codes, as a share of the rows. */
  readonly distinct: number;
  /** Share of the codewords in use, of the level with the fewest. */
  readonly leastUsage: number;
}

export interface Turn {
  /** Of each call. */
  readonly seconds: readonly number[];
  /** The most memory that the process has had resident until now. */
  readonly peakBytes: number;
}

export type Reply<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly error: string; readonly unsupported?: boolean };
