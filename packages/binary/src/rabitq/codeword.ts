/**
 * The codeword of a direction in the grid of extended RaBitQ (Gao et al. 2024, "Practical and asymptotically optimal
 * quantization of high-dimensional vectors in Euclidean space for approximate nearest neighbor search"): per dimension one
 * of 2^bits values evenly about 0, half a step from it at the least, and of all such vectors the one at the smallest angle.
 *
 * With 1 bit that is the vector of signs (Gao and Long 2024). With more, it is the direction stretched by some factor and
 * rounded; where the paper tries every factor at which a rounding changes, here the best of a few factors is improved by
 * steps in single dimensions until none is left that makes the angle smaller. The squared sine that remains is within a
 * few percent of that of the full search, for a small part of its time.
 */
export class CodewordSearch {
  readonly #bits: number;
  /** Magnitudes of the values and of their grid values, reused from row to row. */
  readonly #values: Float64Array;
  readonly #grid: Float64Array;

  constructor(dimension: number, bits: number) {
    this.#bits = bits;
    this.#values = new Float64Array(dimension);
    this.#grid = new Float64Array(dimension);
  }

  /**
   * Writes the codes of `row[at .. at + dimension)` to `codes`, from `to` on. Code u of a dimension stands for the value
   * u − (2^bits − 1) / 2; a value of 0 counts as negative.
   *
   * @returns the row's squared norm and the cosine of its angle to the codeword, 1 for a row of zeros
   */
  encode(
    row: Float32Array,
    at: number,
    codes: Uint8Array | Uint16Array,
    to: number,
  ): { squares: number; cosine: number } {
    return this.#bits === 1
      ? this.#encodeSigns(row, at, codes, to)
      : this.#encodeLevels(row, at, codes, to);
  }

  #encodeSigns(
    row: Float32Array,
    at: number,
    codes: Uint8Array | Uint16Array,
    to: number,
  ): { squares: number; cosine: number } {
    const dimension = this.#values.length;
    let squares = 0;
    let sum = 0;
    for (let j = 0; j < dimension; j++) {
      const value = row[at + j]!;
      squares += value * value;
      sum += Math.abs(value);
      codes[to + j] = value > 0 ? 1 : 0;
    }
    return { squares, cosine: cosineOf(sum / Math.sqrt(dimension), squares) };
  }

  #encodeLevels(
    row: Float32Array,
    at: number,
    codes: Uint8Array | Uint16Array,
    to: number,
  ): { squares: number; cosine: number } {
    const values = this.#values;
    const grid = this.#grid;
    const dimension = values.length;
    let squares = 0;
    let largest = 0;
    for (let j = 0; j < dimension; j++) {
      const value = Math.abs(row[at + j]!);
      values[j] = value;
      squares += value * value;
      if (value > largest) largest = value;
    }
    if (largest === 0) grid.fill(0.5);
    const along = largest === 0 ? 0 : this.#search(largest);
    const half = 2 ** (this.#bits - 1);
    for (let j = 0; j < dimension; j++) {
      // Magnitude m + ½ is m steps above the first on its side.
      codes[to + j] = row[at + j]! > 0 ? half + (grid[j]! - 0.5) : half - (grid[j]! + 0.5);
    }
    return { squares, cosine: cosineOf(along, squares) };
  }

  /** Fills the grid; returns ⟨values, grid⟩ / ‖grid‖. */
  #search(largest: number): number {
    const top = 2 ** (this.#bits - 1) - 1;
    // A factor of 1 takes the largest value to the end of the grid; a larger one clips it, which pays with few bits.
    const least = 0.75;
    const greatest = 1 + 2 / this.#bits ** 2;
    let best = 0;
    let bestFactor = 0;
    const steps = FACTORS_PER_BIT * this.#bits;
    for (let step = 0; step < steps; step++) {
      const share = (step + 0.5) / steps;
      const factor = ((least + share * (greatest - least)) * (top + 1)) / largest;
      const quality = this.#round(factor, top);
      if (quality > best) {
        best = quality;
        bestFactor = factor;
      }
    }
    this.#round(bestFactor, top);
    return this.#improve(top + 0.5);
  }

  /** Rounds the values, stretched, to the grid; returns ⟨values, grid⟩ / ‖grid‖. */
  #round(factor: number, top: number): number {
    const values = this.#values;
    const grid = this.#grid;
    let dot = 0;
    let squares = 0;
    for (let j = 0; j < values.length; j++) {
      const scaled = Math.floor(factor * values[j]!);
      const level = (scaled < top ? scaled : top) + 0.5;
      grid[j] = level;
      dot += level * values[j]!;
      squares += level * level;
    }
    return dot / Math.sqrt(squares);
  }

  /** Moves single grid values by a step while that brings the grid vector closer in angle. */
  #improve(end: number): number {
    const values = this.#values;
    const grid = this.#grid;
    let dot = 0;
    let squares = 0;
    for (let j = 0; j < values.length; j++) {
      dot += grid[j]! * values[j]!;
      squares += grid[j]! * grid[j]!;
    }
    for (let sweep = 0, moved = true; moved && sweep < MOST_SWEEPS; sweep++) {
      moved = false;
      for (let j = 0; j < values.length; j++) {
        const level = grid[j]!;
        // The grid vector wants to be ‖grid‖² / ⟨values, grid⟩ times the values.
        const step = values[j]! * squares > level * dot ? 1 : -1;
        if (level + step < 0 || level + step > end) continue;
        const nextDot = dot + step * values[j]!;
        const nextSquares = squares + 2 * step * level + 1;
        // The margin keeps rounding errors from moving a value to and fro.
        if (nextDot * nextDot * squares <= dot * dot * nextSquares * (1 + 1e-12)) continue;
        grid[j] = level + step;
        dot = nextDot;
        squares = nextSquares;
        moved = true;
      }
    }
    return dot / Math.sqrt(squares);
  }
}

/** Finer grids have more local optima to start from. */
const FACTORS_PER_BIT = 4;
const MOST_SWEEPS = 16;

/** From the length of a row along its codeword, and its squared norm. */
function cosineOf(along: number, squares: number): number {
  return squares === 0 ? 1 : Math.min(1, along / Math.sqrt(squares));
}
