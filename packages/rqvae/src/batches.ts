import { type Matrix, Random } from "@tessera/core";

/** The rows of a step: places among rows that are held, or the rows themselves, standardized. */
export type Batch = { readonly places: Int32Array } | { readonly rows: Matrix };

/** Where the rows of each step come from. */
export interface Batches {
  /** Rows of a batch. */
  readonly size: number;
  /** The rows of a step, counted from 0; they depend on the seed and the step alone. */
  at(step: number): Batch | Promise<Batch>;
  /** Lets go of what is open. */
  close?(): Promise<void>;
}

/**
 * Batches of rows in memory: every epoch visits the rows in an order of its own. What does not fill a batch is left out of
 * its epoch.
 */
export class HeldBatches implements Batches {
  readonly #rows: number;
  readonly #seed: number;
  readonly #perEpoch: number;
  readonly size: number;
  #epoch = -1;
  #order: Uint32Array = new Uint32Array();

  constructor(rows: number, size: number, seed: number) {
    this.#rows = rows;
    this.#seed = seed;
    this.size = Math.min(rows, size);
    this.#perEpoch = Math.floor(rows / this.size);
  }

  at(step: number): { readonly places: Int32Array } {
    const epoch = Math.floor(step / this.#perEpoch);
    if (epoch !== this.#epoch) {
      this.#order = new Random(this.#seed).stream("epoch", epoch).permutation(this.#rows);
      this.#epoch = epoch;
    }
    const start = (step % this.#perEpoch) * this.size;
    return { places: Int32Array.from(this.#order.subarray(start, start + this.size)) };
  }
}
