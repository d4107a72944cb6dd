import { BackendError } from "@tessera/core";
import { COMMAND_WORDS, NO_FAULT, RING_START } from "./command.js";
import { Waiters, type Executor } from "./executor.js";
import type { Runner } from "./runner.js";

/** How long the caller's thread is kept busy before other events get their turn, in milliseconds. */
const SLICE_MS = 8;

/** Runs commands on the caller's thread in short slices, for hosts without shared memory. */
export class InlineExecutor implements Executor {
  readonly threads = 1;
  readonly words = new Float64Array(COMMAND_WORDS);
  enqueued = 0;
  failure: Error | undefined;
  readonly #runner: Runner;
  readonly #place: (words: Float64Array) => void;
  #queue: Float64Array[] = [];
  /** Commands of the queue that have run already. */
  #head = 0;
  #completed = 0;
  /** The block of the head command that comes next, and its fault so far. */
  #block = 0;
  #fault: number = NO_FAULT;
  readonly #waiters = new Waiters();
  readonly #scheduler: Scheduler;
  #scheduled = false;
  #sliceStart = 0;

  /** @param place writes a command's words to the first slot of the ring */
  constructor(runner: Runner, place: (words: Float64Array) => void) {
    this.#runner = runner;
    this.#place = place;
    this.#scheduler = createScheduler(() => {
      this.#scheduled = false;
      this.#sliceStart = performance.now();
      this.#runSlice();
    });
  }

  enqueue(): void {
    this.#queue.push(this.words.slice());
    this.enqueued++;
    this.#schedule();
  }

  completed(): number {
    return this.#completed;
  }

  async finished(): Promise<void> {
    if (this.failure) throw this.failure;
    if (this.#completed === this.enqueued) return;
    const done = this.#waiters.add(this.enqueued);
    // Small work is done at once, as long as this turn of the event loop has not been long.
    queueMicrotask(() => this.#runSlice());
    await done;
  }

  stop(reason: Error): void {
    this.failure ??= reason;
    this.#queue = [];
    this.#scheduler.close();
    this.#waiters.rejectAll(reason);
  }

  #schedule(): void {
    if (this.#scheduled || this.failure) return;
    this.#scheduled = true;
    this.#scheduler.request();
  }

  #runSlice(): void {
    if (this.failure) return;
    try {
      while (this.#head < this.#queue.length && performance.now() - this.#sliceStart < SLICE_MS) {
        this.#step();
      }
    } catch (cause) {
      this.stop(new BackendError("a kernel failed on this thread", { cause }));
      return;
    }
    if (this.#head < this.#queue.length) this.#schedule();
    else {
      this.#queue = [];
      this.#head = 0;
    }
    this.#waiters.settle(this.#completed);
  }

  /** Runs one block of the head command, and ends the command after its last. */
  #step(): void {
    const runner = this.#runner;
    if (this.#block === 0) {
      this.#place(this.#queue[this.#head]!);
      this.#fault = NO_FAULT;
    }
    const blocks = runner.blocks(RING_START);
    if (this.#block < blocks) {
      this.#fault = Math.min(this.#fault, runner.runBlock(RING_START, this.#block++));
    }
    if (this.#block >= blocks) {
      runner.settle(RING_START, this.#fault);
      this.#block = 0;
      this.#head++;
      this.#completed++;
    }
  }
}

/** Asks for a turn of the event loop. Timers would add milliseconds to each. */
interface Scheduler {
  request(): void;
  close(): void;
}

function createScheduler(run: () => void): Scheduler {
  if (typeof setImmediate === "function") {
    let pending: ReturnType<typeof setImmediate> | undefined;
    return {
      request: () => {
        pending = setImmediate(run);
      },
      close: () => {
        if (pending !== undefined) clearImmediate(pending);
      },
    };
  }
  const channel = new MessageChannel();
  channel.port1.addEventListener("message", run);
  channel.port1.start();
  return { request: () => channel.port2.postMessage(0), close: () => channel.port1.close() };
}
