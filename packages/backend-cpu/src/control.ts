/**
 * Words that the threads share, in a small buffer of their own; all are used with `Atomics` alone.
 *
 * The *leader* (worker 0) takes commands in order. A command of one block it runs by itself; for a larger one it opens
 * a *job*, which the other workers join until no block is left.
 */
export const CONTROL = {
  /** Commands that the caller has written to the ring. */
  published: 0,
  /** Commands that have run. */
  completed: 1,
  /** 1 while the leader sleeps until something is published. */
  leaderSleeps: 2,
  /** Counts the jobs, so that the others can wait for the next. */
  jobs: 3,
  /** Workers that sleep until the next job. */
  sleepers: 4,
  /** Address of the open job's command, or 0. */
  open: 5,
  /** The job's next block. */
  nextBlock: 6,
  /** Workers, other than the leader, that are in the job. The leader opens no other until they have left. */
  inside: 7,
  /** 1 while the leader sleeps until `inside` is 0. */
  leaderWaits: 8,
  /** The lowest position at fault in the job so far. */
  fault: 9,
} as const;

export const CONTROL_WORDS = 16;

/** What a worker is sent to start with. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: Int32Array;
  readonly thread: number;
}

/** What a worker answers: that it is ready, or (the leader) that a command that asked for it has run. */
export type WorkerMessage = "ready" | "progress";
