/** The nearest rows of some queries, nearest first; equal distances by index. Empty places hold −1 and Infinity. */
export interface FoundRows {
  /** `[queries, count]` */
  readonly indices: Int32Array;
  /** `[queries, count]` */
  readonly distances: Float32Array;
}

/** The `count` least distances seen so far: a heap with the worst of them on top. */
export class TopK {
  readonly #count: number;
  readonly #indices: Int32Array;
  readonly #distances: Float32Array;
  #size = 0;

  constructor(count: number) {
    this.#count = count;
    this.#indices = new Int32Array(count);
    this.#distances = new Float32Array(count);
  }

  /** What a distance must not exceed to be taken. */
  get limit(): number {
    return this.#size < this.#count ? Infinity : this.#distances[0]!;
  }

  /** @param distance a float32 */
  push(index: number, distance: number): void {
    if (this.#size < this.#count) {
      let at = this.#size++;
      for (; at > 0;) {
        const parent = (at - 1) >> 1;
        if (!this.#isWorse(index, distance, parent)) break;
        this.#move(parent, at);
        at = parent;
      }
      this.#set(at, index, distance);
    } else if (!this.#isWorse(index, distance, 0)) {
      this.#sink(0, index, distance);
    }
  }

  /** Moves what was found into one query's places of the result, and is empty then. */
  drainInto(found: FoundRows, query: number): void {
    const start = query * this.#count;
    found.indices.fill(-1, start + this.#size, start + this.#count);
    found.distances.fill(Infinity, start + this.#size, start + this.#count);
    while (this.#size > 0) {
      const last = --this.#size;
      found.indices[start + last] = this.#indices[0]!;
      found.distances[start + last] = this.#distances[0]!;
      this.#sink(0, this.#indices[last]!, this.#distances[last]!);
    }
  }

  #isWorse(index: number, distance: number, at: number): boolean {
    const other = this.#distances[at]!;
    return distance > other || (distance === other && index > this.#indices[at]!);
  }

  #sink(at: number, index: number, distance: number): void {
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (
        right < this.#size &&
        this.#isWorse(this.#indices[right]!, this.#distances[right]!, child)
      ) {
        child = right;
      }
      if (this.#isWorse(index, distance, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, index, distance);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#indices[from]!, this.#distances[from]!);
  }

  #set(at: number, index: number, distance: number): void {
    this.#indices[at] = index;
    this.#distances[at] = distance;
  }
}
