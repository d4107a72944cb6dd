import { FormatError } from "@tessera/core";

/**
 * Reads little-endian values one after another. Every length is checked against the bytes that are left before anything is
 * allocated.
 */
export class FaissReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // Not a `Buffer`, whose `slice` does not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The four characters that name a class. */
  fourcc(what: string): string {
    return String.fromCharCode(...this.bytes(4, what));
  }

  byte(what: string): number {
    return this.#view.getUint8(this.#take(1, what));
  }

  /** A C++ `bool`. */
  flag(what: string): boolean {
    const value = this.byte(what);
    if (value > 1) throw new FormatError(`faiss index: ${what} is ${value}, not true or false`);
    return value === 1;
  }

  int32(what: string): number {
    return this.#view.getInt32(this.#take(4, what), true);
  }

  float32(what: string): number {
    return this.#view.getFloat32(this.#take(4, what), true);
  }

  /** A `size_t`, or an `idx_t` that counts something. */
  size(what: string): number {
    const at = this.#take(8, what);
    const value = this.#view.getUint32(at, true) + 2 ** 32 * this.#view.getUint32(at + 4, true);
    if (!Number.isSafeInteger(value)) throw new FormatError(`faiss index: ${what} is ${value}`);
    return value;
  }

  /** So many bytes, as a view. */
  bytes(count: number, what: string): Uint8Array {
    const start = this.#take(count, what);
    return this.#bytes.subarray(start, start + count);
  }

  /** A vector of bytes, as a view. */
  byteVector(what: string): Uint8Array {
    return this.bytes(this.size(`the length of ${what}`), what);
  }

  /** A vector of finite floats, copied. */
  floatVector(what: string): Float32Array {
    return this.floats(this.size(`the length of ${what}`), what);
  }

  /** So many finite floats, copied. */
  floats(count: number, what: string): Float32Array {
    return floatsOf(this.bytes(4 * count, what), what);
  }

  /** A vector of 64-bit integers, copied. */
  int64Vector(what: string): BigInt64Array {
    return this.int64s(this.size(`the length of ${what}`), what);
  }

  int64s(count: number, what: string): BigInt64Array {
    return new BigInt64Array(this.bytes(8 * count, what).slice().buffer);
  }

  /** A vector of sizes. */
  sizeVector(what: string): number[] {
    const count = this.size(`the length of ${what}`);
    if (8 * count > this.left) this.#take(8 * count, what);
    return Array.from({ length: count }, () => this.size(what));
  }

  /** @throws {FormatError} if bytes are left */
  end(): void {
    if (this.left > 0) {
      throw new FormatError(`faiss index: ${this.left} bytes follow its end`, {
        hint: "check that this file holds one faiss index and nothing else",
      });
    }
  }

  #take(count: number, what: string): number {
    if (count > this.left) {
      throw new FormatError(
        `faiss index: ${what} takes ${count} bytes at byte ${this.#at}; ${this.left} are left`,
        { hint: "the file is cut short or damaged, or is not a faiss index" },
      );
    }
    const start = this.#at;
    this.#at += count;
    return start;
  }
}

/** Little-endian floats at any place in memory. @throws {FormatError} if one is not finite */
export function floatsOf(bytes: Uint8Array, what: string): Float32Array {
  const values = new Float32Array(bytes.slice().buffer);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new FormatError(`faiss index: value ${bad} of ${what} is not finite`);
  return values;
}

/** @throws {FormatError} unless something has the length that other fields call for */
export function checkLength(found: number, expected: number, what: string): void {
  if (found !== expected) {
    throw new FormatError(`faiss index: ${what} has ${found} values; it must have ${expected}`);
  }
}
