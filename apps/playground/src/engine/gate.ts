import { AbortedError } from "@tessera/core";

/** Where work waits while it is paused. */
export class Gate {
  #paused: boolean;
  #steps = 0;
  #stopped = false;
  #wake: (() => void) | undefined;
  readonly #onWait: () => void;
  #waited = 0;

  constructor(paused: boolean, onWait: () => void) {
    this.#paused = paused;
    this.#onWait = onWait;
  }

  /** Whether work waits when it comes by, or after the steps that it may take. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Milliseconds waited in all, at rest and while paused. */
  get waited(): number {
    return this.#waited;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
  }

  /** Lets work go on until it comes by the next time. */
  step(): void {
    this.#paused = true;
    this.#steps++;
    this.#wake?.();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Waits without being paused. */
  async rest(milliseconds: number): Promise<void> {
    this.#waited += milliseconds;
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
  }

  /** @throws {AbortedError} once the work is to stop */
  async pass(): Promise<void> {
    while (!this.#stopped && this.#paused && this.#steps === 0) {
      this.#onWait();
      const since = performance.now();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#waited += performance.now() - since;
    }
    if (this.#stopped) throw new AbortedError();
    if (this.#steps > 0) this.#steps--;
  }
}
