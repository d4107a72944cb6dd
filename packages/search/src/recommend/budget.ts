import { AbortedError } from "@tessera/core";

/** The longest that a timer can wait, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** A signal that fires when the time is up, or with the caller's own. */
export class Budget {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #isSpent = false;

  /** @param seconds may be `Infinity` */
  constructor(seconds: number, outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#stop();
    outer?.addEventListener("abort", this.#stop);
    if (seconds * 1000 > LONGEST) return;
    this.#timer = setTimeout(() => {
      this.#isSpent = true;
      this.#stop();
    }, seconds * 1000);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Whether an error says that the time is up; the caller's own signal comes first. */
  ended(error: unknown): boolean {
    return this.#isSpent && error instanceof AbortedError && this.#outer?.aborted !== true;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#stop);
  }

  readonly #stop = (): void => {
    this.#controller.abort(this.#outer?.reason);
  };
}
