/** Where a long piece of work stands. `done` of `total` units; `total` is undefined while it is unknown. */
export interface Progress {
  /** What is being done, for people, such as `level 2 of 3`. */
  readonly task: string;
  readonly done: number;
  readonly total: number | undefined;
  /** What is counted, such as `steps`. */
  readonly unit?: string;
  /** Figures of the moment, such as the objective. */
  readonly figures?: Readonly<Record<string, number>>;
}

export type OnProgress = (progress: Progress) => void;

/** Options of everything that takes long. */
export interface WorkOptions {
  /** Stops the work with an {@link AbortedError}; nothing is left half done. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}
