import {
  batchesOf,
  NonFiniteError,
  type OnProgress,
  pause,
  type Rows,
  ShapeError,
  throwIfAborted,
} from "@tessera/core";

/** What one pass over rows finds out about each column; sums are in float64, in the order of the rows. */
export interface Statistics {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly mean: Float64Array;
  /** Standard deviation, of the rows themselves. */
  readonly deviation: Float64Array;
  /** Root of the mean square of all values. */
  readonly rootMeanSquare: number;
}

export interface PassOptions {
  /** The same figures for all columns, of all values together. */
  readonly shared: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** @throws {NonFiniteError} naming the first row that is not finite */
export async function statisticsOf(rows: Rows, options: PassOptions): Promise<Statistics> {
  const { signal, onProgress } = options;
  let sums: ColumnSums | undefined;
  let done = 0;
  const total = (rows as { readonly rows?: number }).rows;
  for await (const batch of batchesOf(rows, 4096, signal)) {
    sums ??= new ColumnSums(batch.cols, batch.data);
    sums.add(batch.data, done);
    done += batch.rows;
    await onProgress?.({ task: "statistics", done, total });
    throwIfAborted(signal);
    await pause();
  }
  if (!sums) throw new ShapeError("there are no rows to fit on");
  return sums.finish(done, options.shared);
}

class ColumnSums {
  readonly #cols: number;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  /** The first row: sums of differences from it lose nothing to a large mean. */
  readonly #origin: Float64Array;
  readonly #sum: Float64Array;
  readonly #square: Float64Array;

  constructor(cols: number, first: Float32Array) {
    this.#cols = cols;
    this.#min = new Float64Array(cols).fill(Infinity);
    this.#max = new Float64Array(cols).fill(-Infinity);
    this.#origin = Float64Array.from(first.subarray(0, cols));
    this.#sum = new Float64Array(cols);
    this.#square = new Float64Array(cols);
  }

  add(data: Float32Array, before: number): void {
    const cols = this.#cols;
    const [min, max, origin] = [this.#min, this.#max, this.#origin];
    const [sum, square] = [this.#sum, this.#square];
    for (let at = 0; at < data.length; at += cols) {
      for (let j = 0; j < cols; j++) {
        const value = data[at + j]!;
        if (value - value !== 0) throw new NonFiniteError(before + at / cols);
        if (value < min[j]!) min[j] = value;
        if (value > max[j]!) max[j] = value;
        const difference = value - origin[j]!;
        sum[j] = sum[j]! + difference;
        square[j] = square[j]! + difference * difference;
      }
    }
  }

  finish(rows: number, shared: boolean): Statistics {
    const mean = this.#sum.map((sum, j) => this.#origin[j]! + sum / rows);
    const variance = this.#square.map((square, j) =>
      Math.max(0, square / rows - (this.#sum[j]! / rows) ** 2),
    );
    const average = (values: Float64Array): number =>
      values.reduce((a, b) => a + b, 0) / values.length;
    const meanSquare = average(variance.map((value, j) => value + mean[j]! ** 2));
    const found = {
      min: this.#min,
      max: this.#max,
      mean,
      deviation: variance.map(Math.sqrt),
      rootMeanSquare: Math.sqrt(meanSquare),
    };
    if (!shared) return found;
    const same = (value: number): Float64Array => new Float64Array(this.#cols).fill(value);
    const center = average(mean);
    const spread = average(variance.map((value, j) => value + (mean[j]! - center) ** 2));
    return {
      ...found,
      min: same(this.#min.reduce((a, b) => Math.min(a, b))),
      max: same(this.#max.reduce((a, b) => Math.max(a, b))),
      mean: same(center),
      deviation: same(Math.sqrt(spread)),
    };
  }
}
