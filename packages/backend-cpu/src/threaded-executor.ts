import { AbortedError, BackendError } from "@tessera/core";
import { COMMAND_WORDS, RING_COMMANDS, WORD, writeFence } from "./command.js";
import { CONTROL, CONTROL_WORDS, type WorkerStart } from "./control.js";
import { Waiters, type Executor } from "./executor.js";
import { startWorker, type WorkerHandle } from "./worker-handle.js";

/** The leader reports every so many commands while the ring is at least half full. */
const REPORT_EVERY = RING_COMMANDS / 4;

/**
 * Runs commands on worker threads that take them from a ring in shared memory, without a message for each.
 *
 * The caller's thread never waits: commands that find the ring full are kept until the leader reports progress.
 */
export class ThreadedExecutor implements Executor {
  readonly threads: number;
  readonly words = new Float64Array(COMMAND_WORDS);
  enqueued = 0;
  failure: Error | undefined;
  readonly #workers: readonly WorkerHandle[];
  readonly #control: Int32Array;
  readonly #place: (words: Float64Array, slot: number) => void;
  /** Commands in the ring so far, and the first of the backlog that is not. */
  #published = 0;
  #backlog: Float64Array[] = [];
  #backlogHead = 0;
  #completed = 0;
  /** The number of the last command, if it will be reported. */
  #reported = 0;
  readonly #waiters = new Waiters();

  private constructor(
    workers: readonly WorkerHandle[],
    control: Int32Array,
    place: (words: Float64Array, slot: number) => void,
  ) {
    this.threads = workers.length;
    this.#workers = workers;
    this.#control = control;
    this.#place = place;
    for (const worker of workers) {
      worker.onFailure((cause) => {
        this.stop(new BackendError("a worker thread failed", { cause }));
      });
    }
    workers[0]!.onMessage(() => this.#progress());
    for (const worker of workers) worker.unref();
  }

  /**
   * Starts the workers and waits until they are ready.
   *
   * @param place writes a command's words to a slot of the ring
   * @throws {BackendError} if they do not start
   * @throws {AbortedError} if `signal` fires first
   */
  static async start(
    source: string,
    start: Omit<WorkerStart, "control" | "thread">,
    threads: number,
    place: (words: Float64Array, slot: number) => void,
    signal?: AbortSignal,
  ): Promise<ThreadedExecutor> {
    const control = new Int32Array(new SharedArrayBuffer(4 * CONTROL_WORDS));
    const workers: WorkerHandle[] = [];
    let abort: (() => void) | undefined;
    try {
      const ready: Promise<void>[] = [];
      for (let thread = 0; thread < threads; thread++) {
        const worker = startWorker(source);
        workers.push(worker);
        ready.push(
          new Promise((resolve, reject) => {
            worker.onFailure(reject);
            worker.onMessage(() => resolve());
          }),
        );
        worker.send({ ...start, control, thread });
      }
      const aborted = new Promise<never>((_, reject) => {
        abort = () => reject(new AbortedError(signal?.reason));
        signal?.addEventListener("abort", abort, { once: true });
      });
      await Promise.race([Promise.all(ready), aborted]);
    } catch (cause) {
      for (const worker of workers) worker.terminate();
      if (cause instanceof AbortedError) throw cause;
      throw new BackendError("the worker threads did not start", { cause });
    } finally {
      if (abort) signal?.removeEventListener("abort", abort);
    }
    return new ThreadedExecutor(workers, control, place);
  }

  enqueue(): void {
    this.enqueued++;
    if (this.#backlogHead === this.#backlog.length && this.#room() > 0) {
      this.#publish(this.words);
      this.#announce();
    } else {
      this.#backlog.push(this.words.slice());
    }
  }

  completed(): number {
    // The shared count has 32 bits and wraps around.
    this.#completed += (Atomics.load(this.#control, CONTROL.completed) - this.#completed) | 0;
    return this.#completed;
  }

  async finished(): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.completed() === this.enqueued) return;
    if (this.#reported !== this.enqueued) {
      writeFence(this.words);
      this.enqueue();
      this.#reported = this.enqueued;
    }
    this.#workers[0]!.ref();
    await this.#waiters.add(this.#reported);
  }

  stop(reason: Error): void {
    if (this.failure) return;
    this.failure = reason;
    this.#backlog = [];
    for (const worker of this.#workers) worker.terminate();
    this.#waiters.rejectAll(reason);
  }

  #room(): number {
    return RING_COMMANDS - (this.#published - this.completed());
  }

  #publish(words: Float64Array): void {
    const crowded = this.#room() <= RING_COMMANDS / 2;
    if (crowded && this.#published % REPORT_EVERY === 0) words[WORD.notify] = 1;
    this.#place(words, this.#published % RING_COMMANDS);
    this.#published++;
  }

  /** Lets the leader know of what has been published. */
  #announce(): void {
    Atomics.store(this.#control, CONTROL.published, this.#published | 0);
    if (Atomics.load(this.#control, CONTROL.leaderSleeps) > 0) {
      Atomics.notify(this.#control, CONTROL.published);
    }
  }

  #progress(): void {
    if (this.failure) return;
    const first = this.#backlogHead;
    while (this.#backlogHead < this.#backlog.length && this.#room() > 0) {
      this.#publish(this.#backlog[this.#backlogHead++]!);
    }
    if (this.#backlogHead > first) this.#announce();
    if (this.#backlogHead === this.#backlog.length) {
      this.#backlog = [];
      this.#backlogHead = 0;
    }
    this.#waiters.settle(this.completed());
    if (!this.#waiters.pending) this.#workers[0]!.unref();
  }
}
