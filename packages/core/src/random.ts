import { ArgumentError } from "./errors.js";

/**
 * A seeded, counter-based random generator: Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011).
 *
 * `stream()` derives generators that are independent of one another and of how much was drawn from this one, so parallel
 * or reordered work draws the same numbers. Only integer arithmetic and correctly rounded float operations are used: the
 * same seed gives the same values on every engine.
 */
export class Random {
  readonly #key0: number;
  readonly #key1: number;
  readonly #block = new Uint32Array(4);
  #counter = 0;
  #used = 4;
  #spareNormal: number | undefined;

  /** @param seed an integer in 0..2⁵³−1 */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new ArgumentError(`seed is ${seed}; it must be an integer from 0 to 2^53 - 1`);
    }
    this.#key0 = seed >>> 0;
    this.#key1 = Math.floor(seed / 2 ** 32) >>> 0;
  }

  /** An independent generator named by `labels`; the same labels always name the same one. */
  stream(...labels: readonly (string | number)[]): Random {
    const block = new Uint32Array(4);
    let key0 = this.#key0;
    let key1 = this.#key1;
    for (const label of labels) {
      const [low, high] = typeof label === "number" ? splitNumber(label) : hashText(label);
      // Counter word 3 is 0 for drawing, 1 for text labels and 2 for numbers, so no derived key repeats a drawn block.
      philox(block, low, high, 0, typeof label === "number" ? 2 : 1, key0, key1);
      key0 = block[0]!;
      key1 = block[1]!;
    }
    return new Random(key0 + (key1 & 0x1fffff) * 2 ** 32);
  }

  /** An integer in 0..2³²−1. */
  uint32(): number {
    if (this.#used === 4) {
      const counter = this.#counter++;
      philox(
        this.#block,
        counter >>> 0,
        Math.floor(counter / 2 ** 32),
        0,
        0,
        this.#key0,
        this.#key1,
      );
      this.#used = 0;
    }
    return this.#block[this.#used++]!;
  }

  /** Uniform in [0, 1), with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    return (high * 2 ** 26 + (this.uint32() >>> 6)) * 2 ** -53;
  }

  /** A standard normal value (Marsaglia's polar method). */
  normal(): number {
    if (this.#spareNormal !== undefined) {
      const spare = this.#spareNormal;
      this.#spareNormal = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * portableLog(s)) / s);
      this.#spareNormal = v * scale;
      return u * scale;
    }
  }

  /** An unbiased integer in 0..bound−1. */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new ArgumentError(`bound is ${bound}; it must be an integer from 1 to 2^32`);
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const value = this.uint32();
      if (value < limit) return value % bound;
    }
  }

  /** `count` distinct integers of 0..n−1 in random order (a partial Fisher–Yates shuffle), in O(count) memory. */
  sample(n: number, count: number): Uint32Array {
    if (count > n) throw new ArgumentError(`cannot draw ${count} distinct values from ${n}`);
    const moved = new Map<number, number>();
    const drawn = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const j = i + this.integer(n - i);
      drawn[i] = moved.get(j) ?? j;
      moved.set(j, moved.get(i) ?? i);
    }
    return drawn;
  }

  /** A random order of 0..n−1. */
  permutation(n: number): Uint32Array {
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    for (let i = 0; i + 1 < n; i++) {
      const j = i + this.integer(n - i);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }
}

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** One Philox 4×32-10 block of the counter (c0..c3) under the key (k0, k1), into `out`. */
export function philox(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1 >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The upper 32 bits of a 32 × 32-bit product. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}

function splitNumber(value: number): [number, number] {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ArgumentError(`stream label is ${value}; a number must be an integer from 0`);
  }
  return [value >>> 0, Math.floor(value / 2 ** 32) >>> 0];
}

/** Two 32-bit FNV-1a hashes of the text's UTF-16 units, from different offsets. */
function hashText(text: string): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x1b873593;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x01000193) ^ (high >>> 15);
  }
  return [low >>> 0, high >>> 0];
}

/**
 * The natural logarithm from correctly rounded operations alone, within a few ulp. `Math.log` may differ between
 * engines in its last bit, which would let one seed give two models.
 */
export function portableLog(x: number): number {
  let exponent = 0;
  let mantissa = x;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  while (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  // ln m = 2·atanh((m − 1)/(m + 1)); |t| ≤ 0.172, so 12 terms reach double precision.
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let sum = 0;
  for (let term = 23; term >= 1; term -= 2) sum = sum * square + 1 / term;
  return exponent * Math.LN2 + 2 * t * sum;
}
