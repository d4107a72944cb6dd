import {
  ArgumentError,
  batchesOf,
  checkReplayable,
  isMatrix,
  type Matrix,
  Random,
  type Rows,
  ShapeError,
} from "@tessera/core";
import type { Batches } from "./batches.js";
import { type Standard, standardized } from "./standardize.js";

/** More rows than are to be held, read anew for every pass. */
export interface RowStream {
  readonly source: AsyncIterable<Matrix>;
  readonly cols: number;
}

/** Rows that are read from a stream at a time. */
const READ_ROWS = 4096;

/**
 * Rows in memory, if they are there already or are no more than `most`.
 *
 * @throws {ShapeError} if there are none
 * @throws {ArgumentError} if there are more, and they can be read only once
 */
export async function holdRows(
  rows: Rows,
  most: number,
  signal: AbortSignal | undefined,
): Promise<Matrix | RowStream> {
  if (isMatrix(rows)) return rows;
  const parts: Float32Array[] = [];
  let cols = 0;
  let count = 0;
  for await (const batch of batchesOf(rows, READ_ROWS, signal)) {
    cols = batch.cols;
    count += batch.rows;
    if (count > most) {
      checkReplayable(rows);
      return { source: rows, cols };
    }
    parts.push(batch.data.slice());
  }
  if (count === 0) throw new ShapeError("there are no rows to fit on");
  const data = new Float32Array(count * cols);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { data, rows: count, cols };
}

/** A row of a stream as it goes by, valid until the next. */
export interface PassingRow {
  readonly values: Float32Array;
  readonly heldOut: boolean;
}

/** All rows of a stream, once, with those held out marked: each by itself, drawn by the seed and its place in the stream. */
export async function* passRows(
  { source }: RowStream,
  { holdOut, seed }: { readonly holdOut: number; readonly seed: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<PassingRow, void, undefined> {
  const random = new Random(seed).stream("hold-out");
  for await (const { data, rows, cols } of batchesOf(source, READ_ROWS, signal)) {
    for (let i = 0; i < rows; i++) {
      const heldOut = holdOut > 0 && random.uniform() < holdOut;
      yield { values: data.subarray(i * cols, (i + 1) * cols), heldOut };
    }
  }
}

export interface StreamSettings {
  /** Rows to train on in the stream. */
  readonly rows: number;
  readonly batchSize: number;
  /** Rows that the shuffle buffer holds. */
  readonly bufferRows: number;
  readonly holdOut: number;
  readonly seed: number;
  readonly standard: Standard;
  readonly signal: AbortSignal | undefined;
}

/**
 * Batches of a stream. In every epoch each row goes through a buffer from which the next is drawn at random, so a row comes
 * out at any time after it went in, and at most a buffer's length before its place. Batches go on over the end of an epoch: all
 * rows are visited once in each. A step's batch depends on the seed and the step alone, so that a run may start anywhere: it
 * then reads the epoch from its start.
 */
export class StreamBatches implements Batches {
  readonly #stream: RowStream;
  readonly #settings: StreamSettings;
  readonly size: number;
  #running: AsyncGenerator<Matrix, never, undefined> | undefined;
  #next = -1;

  constructor(stream: RowStream, settings: StreamSettings) {
    this.#stream = stream;
    this.#settings = settings;
    this.size = Math.min(settings.rows, settings.batchSize);
  }

  /** @throws {ArgumentError} if the stream ends elsewhere than it did at first */
  async at(step: number): Promise<{ readonly rows: Matrix }> {
    if (step !== this.#next || this.#running === undefined) {
      await this.close();
      this.#running = this.#batchesFrom(step * this.size);
    }
    this.#next = step + 1;
    const { value } = await this.#running.next();
    return { rows: standardized(value, this.#settings.standard) };
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.return(undefined as never);
  }

  /** @param start rows that were visited before, over all epochs */
  async *#batchesFrom(start: number): AsyncGenerator<Matrix, never, undefined> {
    const { cols } = this.#stream;
    const { rows } = this.#settings;
    const buffer = new Float32Array(Math.min(rows, this.#settings.bufferRows) * cols);
    const batch = { data: new Float32Array(this.size * cols), rows: this.size, cols };
    let skipped = start % rows;
    let filled = 0;
    for (let epoch = Math.floor(start / rows); ; epoch++) {
      let visited = 0;
      for await (const row of this.#shuffled(epoch, buffer)) {
        visited++;
        if (visited > rows) break;
        if (skipped > 0) {
          skipped--;
          continue;
        }
        batch.data.set(row, filled * cols);
        if (++filled < this.size) continue;
        yield batch;
        filled = 0;
      }
      if (visited === rows) continue;
      const found = visited > rows ? "more" : String(visited);
      throw new ArgumentError(
        `the stream had ${rows} rows to train on at first, and ${found} in epoch ${epoch + 1}`,
        { hint: "rows must stay as they are while they are trained on" },
      );
    }
  }

  /** The rows of an epoch in its order. */
  async *#shuffled(
    epoch: number,
    buffer: Float32Array,
  ): AsyncGenerator<Float32Array, void, undefined> {
    const { seed, signal } = this.#settings;
    const { cols } = this.#stream;
    const capacity = buffer.length / cols;
    const random = new Random(seed).stream("shuffle", epoch);
    const slot = (at: number): Float32Array => buffer.subarray(at * cols, (at + 1) * cols);
    let held = 0;
    for await (const { values, heldOut } of passRows(this.#stream, this.#settings, signal)) {
      if (heldOut) continue;
      if (held < capacity) {
        slot(held++).set(values);
        continue;
      }
      const drawn = slot(random.integer(capacity));
      yield drawn;
      drawn.set(values);
    }
    for (; held > 0; held--) {
      const drawn = slot(random.integer(held));
      yield drawn;
      drawn.set(slot(held - 1));
    }
  }
}
