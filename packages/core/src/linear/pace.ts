import { throwIfAborted } from "../errors.js";
import { pause } from "../pause.js";

/** Multiplications between two chances for others to run: some 20 ms. */
const WORK_BETWEEN_PAUSES = 2 ** 24;

/** Keeps long work on the host from holding up the event loop. */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  #work = 0;

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /**
   * Accounts for so many multiplications, and lets others run once they are many.
   *
   * @throws {AbortedError} once the signal has fired
   */
  async spend(multiplications: number): Promise<void> {
    this.#work += multiplications;
    if (this.#work < WORK_BETWEEN_PAUSES) return;
    this.#work = 0;
    await pause();
    throwIfAborted(this.#signal);
  }
}
