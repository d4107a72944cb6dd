import { Random } from "@tessera/core";

/**
 * The rows of each step: every epoch visits the rows in an order of its own, so that a step's batch depends on the seed and
 * the step alone. What does not fill a batch is left out of its epoch.
 */
export class Batches {
  readonly #rows: number;
  readonly #seed: number;
  /** Rows of a batch. */
  readonly size: number;
  readonly perEpoch: number;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  constructor(rows: number, size: number, seed: number) {
    this.#rows = rows;
    this.#seed = seed;
    this.size = Math.min(rows, size);
    this.perEpoch = Math.floor(rows / this.size);
  }

  /** Indices of the rows of a step, counted from 0. */
  at(step: number): Int32Array {
    const epoch = Math.floor(step / this.perEpoch);
    if (epoch !== this.#epoch) {
      this.#order = new Random(this.#seed).stream("epoch", epoch).permutation(this.#rows);
      this.#epoch = epoch;
    }
    const start = (step % this.perEpoch) * this.size;
    return Int32Array.from(this.#order.subarray(start, start + this.size));
  }
}
