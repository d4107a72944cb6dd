import type { Matrix } from "@tessera/core";

/** The least relative gain that counts, so that rounding cannot move a row to and fro. */
const LEAST_GAIN = 1e-6;

/** A partition of rows with the sums of its clusters in float64, kept up to date as rows move. */
export class Clusters {
  readonly codes: Int32Array;
  readonly counts: Float64Array;
  readonly #rows: Matrix;
  readonly #start: Matrix;
  readonly #sums: Float64Array;

  constructor(rows: Matrix, codes: Int32Array, start: Matrix) {
    const { data, cols } = rows;
    this.#rows = rows;
    this.#start = start;
    this.codes = codes.slice();
    this.counts = new Float64Array(start.rows);
    this.#sums = new Float64Array(start.rows * cols);
    for (let i = 0; i < rows.rows; i++) {
      const to = codes[i]! * cols;
      this.counts[codes[i]!]! += 1;
      for (let j = 0; j < cols; j++) this.#sums[to + j]! += data[i * cols + j]!;
    }
  }

  /** The mean of each cluster; of an empty one, the codeword that it started with. */
  codebook(): Matrix {
    const { rows, cols } = this.#start;
    const data = this.#start.data.slice();
    for (let c = 0; c < rows; c++) {
      const count = this.counts[c]!;
      if (count === 0) continue;
      for (let j = c * cols; j < (c + 1) * cols; j++) data[j] = this.#sums[j]! / count;
    }
    return { data, rows, cols };
  }

  /** Σ squared distance of the rows to the mean of their cluster. */
  objective(): number {
    let sum = 0;
    for (let i = 0; i < this.#rows.rows; i++) sum += this.#distance(i, this.codes[i]!);
    return sum;
  }

  /**
   * Moves row i to the candidate that lowers the objective most, if one does.
   *
   * @param candidates clusters, of which `width` from `from` are tried
   * @returns by how much the objective fell; 0 if the row stays
   */
  move(i: number, candidates: Int32Array, from: number, width: number): number {
    const own = this.codes[i]!;
    const count = this.counts[own]!;
    // The only row of a cluster has no error; it could not gain.
    if (count < 2) return 0;
    const leave = (this.#distance(i, own) * count) / (count - 1);
    let least = leave * (1 - LEAST_GAIN);
    let best = own;
    for (let t = from; t < from + width; t++) {
      const candidate = candidates[t]!;
      if (candidate === own) continue;
      const size = this.counts[candidate]!;
      // The first row of an empty cluster costs nothing.
      const enter = size === 0 ? 0 : (this.#distance(i, candidate) * size) / (size + 1);
      if (enter < least) {
        least = enter;
        best = candidate;
      }
    }
    if (best === own) return 0;
    const { data, cols } = this.#rows;
    for (let j = 0; j < cols; j++) {
      const value = data[i * cols + j]!;
      this.#sums[own * cols + j]! -= value;
      this.#sums[best * cols + j]! += value;
    }
    this.counts[own]! -= 1;
    this.counts[best]! += 1;
    this.codes[i] = best;
    return leave - least;
  }

  #distance(i: number, cluster: number): number {
    const { data, cols } = this.#rows;
    const sums = this.#sums;
    const scale = 1 / this.counts[cluster]!;
    const x = i * cols;
    const s = cluster * cols;
    let even = 0;
    let odd = 0;
    let j = 0;
    // Two running sums: one alone would wait for each addition in turn.
    for (; j + 1 < cols; j += 2) {
      const a = data[x + j]! - sums[s + j]! * scale;
      const b = data[x + j + 1]! - sums[s + j + 1]! * scale;
      even += a * a;
      odd += b * b;
    }
    if (j < cols) even += (data[x + j]! - sums[s + j]! * scale) ** 2;
    return even + odd;
  }
}
