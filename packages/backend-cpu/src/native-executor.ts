import { BackendError } from "@tessera/core";
import { COMMAND_WORDS, KERNELS, writeFence } from "./command.js";
import { Waiters, type Executor } from "./executor.js";
import type { Addon, AddonDevice } from "./native-addon.js";
import { NativeMemory, reservations } from "./native-memory.js";

/** Runs commands on the threads of the native engine. The caller's thread never waits. */
export class NativeExecutor implements Executor {
  readonly threads: number;
  readonly memory: NativeMemory;
  /** The addon reads commands from here. */
  readonly words = new Float64Array(COMMAND_WORDS);
  enqueued = 0;
  failure: Error | undefined;
  readonly #addon: Addon;
  readonly #device: AddonDevice;
  #completed = 0;
  /** The number of the last command, if it will be reported. */
  #reported = 0;
  readonly #waiters = new Waiters();

  /** @throws {BackendError} if the system refuses threads or address space */
  constructor(addon: Addon, variant: string, threads: number) {
    this.threads = threads;
    this.#addon = addon;
    let refusal: unknown;
    for (const bytes of reservations()) {
      try {
        const progress = (): void => this.#progress();
        const opened = addon.open(variant, KERNELS, threads, bytes, this.words, progress);
        this.#device = opened.device;
        this.memory = new NativeMemory(addon, opened.device, opened.base, bytes);
        return;
      } catch (cause) {
        refusal = cause;
      }
    }
    throw new BackendError("the native engine did not start", { cause: refusal });
  }

  enqueue(): void {
    if (!this.#addon.enqueue(this.#device)) {
      throw new BackendError("there is no memory for another command", {
        hint: "await results before enqueuing more",
      });
    }
    this.enqueued++;
  }

  completed(): number {
    if (this.failure) return this.#completed;
    // The engine's count has 32 bits and wraps around.
    this.#completed += (this.#addon.completed(this.#device) - this.#completed) | 0;
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
    this.#addon.keepAlive(this.#device, true);
    await this.#waiters.add(this.#reported);
  }

  stop(reason: Error): void {
    if (this.failure) return;
    this.failure = reason;
    this.#addon.close(this.#device);
    this.#waiters.rejectAll(reason);
  }

  #progress(): void {
    if (this.failure) return;
    this.#waiters.settle(this.completed());
    if (!this.#waiters.pending) this.#addon.keepAlive(this.#device, false);
  }
}
