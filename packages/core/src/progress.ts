import type { Matrix } from "./rows.js";

/** Where a long piece of work stands. `done` of `total` units; `total` is undefined while it is unknown. */
export interface Progress {
  /** What is being done, for people, such as `level 2 of 3`. */
  readonly task: string;
  readonly done: number;
  readonly total: number | undefined;
  /** Figures of the moment, such as the objective. */
  readonly figures?: Readonly<Record<string, number>>;
  /** Where in the spec the part is that reports, as in {@link ModelState}, such as `levels.1`; the whole if left out. */
  readonly place?: string;
  /** `[k, d]`, the codewords as they stand, where codewords are being learned; to be read until the work goes on. */
  readonly codebook?: Matrix;
}

/** The work goes on once what it gives, if that is a promise, has settled, so whoever is told can hold it up, or stop it by rejecting. */
export type OnProgress = (progress: Progress) => unknown;

/** Options of everything that takes long. */
export interface WorkOptions {
  /** Stops the work with an {@link AbortedError}; nothing is left half done. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}
