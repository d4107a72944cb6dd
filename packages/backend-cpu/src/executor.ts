/** Runs commands in order, on this thread or on others. */
export interface Executor {
  readonly threads: number;
  /** How many commands have been enqueued, which is also the number of the last one. */
  readonly enqueued: number;
  /** Where the words of a command are put together. */
  readonly words: Float64Array;
  /** Hands over the command in `words`, which are free again then. Never waits. */
  enqueue(): void;
  /** How many commands have run. */
  completed(): number;
  /** Resolves once everything enqueued so far has run; rejects if the executor fails or is stopped first. */
  finished(): Promise<void>;
  /** Why no more commands can run, if so. */
  readonly failure: Error | undefined;
  /** Stops at once. Pending promises reject with `reason`. */
  stop(reason: Error): void;
}

interface Waiter {
  readonly after: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** Promises for commands to have run, in the order of the commands. */
export class Waiters {
  readonly #waiting: Waiter[] = [];

  get pending(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves once `settle` is told that `after` commands have run. */
  add(after: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ after, resolve, reject });
    });
  }

  settle(completed: number): void {
    while (this.#waiting.length > 0 && this.#waiting[0]!.after <= completed) {
      this.#waiting.shift()!.resolve();
    }
  }

  rejectAll(reason: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}
