/** Collects little-endian values one after another. */
export class FaissWriter {
  readonly #parts: Uint8Array[] = [];

  /** The four characters that name a class. */
  fourcc(name: string): void {
    this.bytes(Uint8Array.from(name, (character) => character.charCodeAt(0)));
  }

  byte(value: number): void {
    this.bytes(Uint8Array.of(value));
  }

  flag(value: boolean): void {
    this.byte(value ? 1 : 0);
  }

  int32(value: number): void {
    this.bytes(bytesOf(Int32Array.of(value)));
  }

  float32(value: number): void {
    this.bytes(bytesOf(Float32Array.of(value)));
  }

  /** A `size_t` or `idx_t`. */
  size(value: number): void {
    this.bytes(bytesOf(BigInt64Array.of(BigInt(value))));
  }

  bytes(bytes: Uint8Array): void {
    this.#parts.push(bytes);
  }

  /** Its length in elements, then the elements. */
  vector(values: Uint8Array | Float32Array | BigInt64Array): void {
    this.size(values.length);
    this.bytes(bytesOf(values));
  }

  sizeVector(values: readonly number[]): void {
    this.vector(BigInt64Array.from(values, BigInt));
  }

  finish(): Uint8Array {
    const whole = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

/** An array's own bytes, as a view. */
export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
