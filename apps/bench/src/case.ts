import type { CompleteBackend } from "@tessera/core";

/** Something to measure. */
export interface BenchmarkCase {
  readonly name: string;
  /** Floating-point operations of one run. */
  readonly work: number;
  /** Puts the data on the backend, before anything is timed. */
  setup(backend: CompleteBackend): PreparedCase;
}

export interface PreparedCase {
  /** One run, from enqueuing to having the result. */
  run(): Promise<void>;
  dispose(): void;
}
