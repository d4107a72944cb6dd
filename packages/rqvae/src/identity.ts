/** What tells the rows of one run from those of another. */
export interface RowsIdentity {
  readonly rows: number;
  readonly cols: number;
  /** Of all values. */
  readonly hash: number;
  /** Whether they are read from a stream, which is trained on in another order. */
  readonly streamed: boolean;
}

/** A hash of rows as they go by: FNV-1a over words, turned so that high bits matter too. */
export class RowsHash {
  #hash = 0x811c9dc5;

  add(values: Float32Array): this {
    let hash = this.#hash;
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (const word of words) {
      hash = Math.imul(hash ^ word, 0x01000193);
      hash ^= hash >>> 15;
    }
    this.#hash = hash;
    return this;
  }

  get value(): number {
    return this.#hash >>> 0;
  }
}
