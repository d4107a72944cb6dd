import { ArgumentError, type Matrix, NonFiniteError, Random } from "@tessera/core";
import { RowsHash } from "./identity.js";
import type { Input } from "./input.js";
import type { TrainingSettings } from "./settings.js";
import { type Standard, standardFrom, standardized } from "./standardize.js";
import { passRows, type RowStream } from "./stream.js";

/** What one pass over a stream finds out. */
export interface Survey extends Input {
  /** Rows to train on. */
  readonly count: number;
  /** All rows, those held out too. */
  readonly total: number;
  readonly hash: number;
}

/**
 * Passes over a stream once: counts, standardizes, and draws a sample of the rows to train on and one of those held out, each
 * of at most `reviewRows`.
 *
 * @throws {NonFiniteError} naming the first row that is not finite
 * @throws {ArgumentError} if no row is left to train on
 */
export async function surveyStream(
  stream: RowStream,
  settings: TrainingSettings,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<Survey> {
  const { cols } = stream;
  const { reviewRows, holdOut, standardize } = settings;
  const random = new Random(seed);
  const trained = new Reservoir(reviewRows, cols, random.stream("review"));
  const heldOut = new Reservoir(reviewRows, cols, random.stream("review-held-out"));
  const moments = new Moments(cols);
  const hash = new RowsHash();
  let total = 0;
  for await (const row of passRows(stream, { holdOut, seed }, signal)) {
    for (const value of row.values) if (!Number.isFinite(value)) throw new NonFiniteError(total);
    hash.add(row.values);
    (row.heldOut ? heldOut : trained).add(row.values);
    if (!row.heldOut) moments.add(row.values);
    total++;
  }
  if (trained.seen === 0) throw new ArgumentError("all rows are held out");
  const { mean, variance } = moments;
  const standard = standardFrom(mean, variance, standardize);
  return {
    standard,
    trained: standardized(trained.rows(), standard),
    heldOut: heldOut.seen === 0 ? undefined : standardized(heldOut.rows(), standard),
    ...spreadOf(mean, variance, standard),
    count: trained.seen,
    total,
    hash: hash.value,
  };
}

/** How all rows spread, once they are standardized. */
function spreadOf(
  mean: Float64Array,
  variance: Float64Array,
  standard: Standard,
): Pick<Input, "variance" | "scale"> {
  let [whole, offset] = [0, 0];
  variance.forEach((value, j) => {
    const deviation = standard.deviation.data[j]!;
    whole += value / deviation ** 2;
    offset += ((mean[j]! - standard.mean.data[j]!) / deviation) ** 2;
  });
  const cols = variance.length;
  return { variance: whole, scale: { variance: whole / cols, offset: offset / cols } };
}

/** Rows drawn from those that go by, each as likely as any other (Vitter 1985, algorithm R). */
class Reservoir {
  readonly #limit: number;
  readonly #cols: number;
  readonly #random: Random;
  #data = new Float32Array();
  seen = 0;

  constructor(limit: number, cols: number, random: Random) {
    this.#limit = limit;
    this.#cols = cols;
    this.#random = random;
  }

  add(row: Float32Array): void {
    const slot = this.seen < this.#limit ? this.seen : this.#random.integer(this.seen + 1);
    this.seen++;
    if (slot >= this.#limit) return;
    const [start, end] = [slot * this.#cols, (slot + 1) * this.#cols];
    if (end > this.#data.length) {
      const larger = new Float32Array(Math.min(this.#limit * this.#cols, 2 * end));
      larger.set(this.#data);
      this.#data = larger;
    }
    this.#data.set(row, start);
  }

  rows(): Matrix {
    const rows = Math.min(this.seen, this.#limit);
    return { data: this.#data.subarray(0, rows * this.#cols), rows, cols: this.#cols };
  }
}

/** Means and variances of columns in one pass, about the first row so that nothing cancels. */
class Moments {
  readonly #first: Float64Array;
  readonly #sums: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(cols: number) {
    this.#first = new Float64Array(cols);
    this.#sums = new Float64Array(cols);
    this.#squares = new Float64Array(cols);
  }

  add(row: Float32Array): void {
    if (this.#count++ === 0) this.#first.set(row);
    for (let j = 0; j < row.length; j++) {
      const difference = row[j]! - this.#first[j]!;
      this.#sums[j]! += difference;
      this.#squares[j]! += difference * difference;
    }
  }

  get mean(): Float64Array {
    return this.#sums.map((sum, j) => this.#first[j]! + sum / this.#count);
  }

  get variance(): Float64Array {
    const sums = this.#sums;
    return this.#squares.map((square, j) =>
      Math.max(0, square / this.#count - (sums[j]! / this.#count) ** 2),
    );
  }
}
