import { Damage } from "../columnar/damage.js";
import { readVarint, unpack } from "./hybrid.js";

/**
 * The encodings that store differences, and the one that stores bytes apart
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/).
 */

/** More than any writer puts into a block: 128 is usual. */
const MOST_IN_BLOCK = 2 ** 16;

/**
 * Integers as differences to the one before, in blocks of bit-packed groups.
 *
 * @param most values that there may be
 * @returns them modulo 2⁶⁴, and the byte after them
 * @throws {Damage} if the bytes end first, or claim more
 */
export function readDeltas(
  bytes: Uint8Array,
  most: number,
): { values: BigInt64Array; end: number } {
  const blockSize = readVarint(bytes, 0);
  const groups = readVarint(bytes, blockSize.end);
  const total = readVarint(bytes, groups.end);
  const inGroup = blockSize.value / groups.value;
  if (
    total.value > most ||
    blockSize.value > MOST_IN_BLOCK ||
    !(inGroup > 0) ||
    inGroup % 8 !== 0
  ) {
    throw new Damage("a page has differences in blocks that cannot be");
  }
  const values = new BigInt64Array(total.value);
  let { value: last, end: at } = readZigzag(bytes, total.end);
  if (values.length > 0) values[0] = last;
  for (let i = 1; i < values.length;) {
    const least = readZigzag(bytes, at);
    at = least.end + groups.value;
    for (let g = 0; g < groups.value && i < values.length; g++) {
      const width = bytes[least.end + g];
      const size = (inGroup * (width ?? 0)) / 8;
      if (width === undefined || width > 64 || at + size > bytes.length) {
        throw new Damage("a page ends within its differences");
      }
      const count = Math.min(inGroup, values.length - i);
      for (const step of unpackWide(bytes.subarray(at, at + size), width, count)) {
        last = BigInt.asIntN(64, last + least.value + step);
        values[i++] = last;
      }
      at += size;
    }
  }
  return { values, end: at };
}

/** Texts: all lengths as differences, then all bytes. */
export function readDeltaLengths(bytes: Uint8Array, most: number): Uint8Array[] {
  const { values: lengths, end } = readDeltas(bytes, most);
  let at = end;
  return Array.from(lengths, (wide) => {
    const length = Number(wide);
    if (length < 0 || length > bytes.length - at) throw new Damage("a page ends within its texts");
    return bytes.subarray(at, (at += length));
  });
}

/** Most bytes of all texts of a page together: each may repeat the one before, so that few bytes can claim many. */
const MOST_TEXT = 2 ** 28;

/** Texts: how much each shares with the one before, and the rest of it. */
export function readDeltaTexts(bytes: Uint8Array, most: number): Uint8Array[] {
  const { values: shared, end } = readDeltas(bytes, most);
  const rests = readDeltaLengths(bytes.subarray(end), most);
  if (rests.length !== shared.length) throw new Damage("a page ends within its texts");
  let last = new Uint8Array(0);
  let held = 0;
  return rests.map((rest, i) => {
    const kept = Number(shared[i]);
    held += kept + rest.length;
    if (kept < 0 || kept > last.length || held > MOST_TEXT) {
      throw new Damage("a page has a text that shares more than there is");
    }
    const whole = new Uint8Array(kept + rest.length);
    whole.set(last.subarray(0, kept));
    whole.set(rest, kept);
    last = whole;
    return whole;
  });
}

/** Puts bytes together again that are stored as all first ones, all second ones, and so on. */
export function joinStreams(bytes: Uint8Array, size: number, count: number): Uint8Array {
  if (count * size > bytes.length) throw new Damage("a page ends within its values");
  const joined = new Uint8Array(count * size);
  for (let b = 0; b < size; b++) {
    for (let i = 0; i < count; i++) joined[i * size + b] = bytes[b * count + i]!;
  }
  return joined;
}

function readZigzag(bytes: Uint8Array, start: number): { value: bigint; end: number } {
  let value = 0n;
  let at = start;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[at++];
    if (byte === undefined) break;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return { value: (value >> 1n) ^ -(value & 1n), end: at };
  }
  throw new Damage("a page has an integer without an end");
}

function unpackWide(bytes: Uint8Array, width: number, count: number): bigint[] {
  if (width <= 32) {
    const narrow = new Uint32Array(count);
    unpack(bytes, 0, width, narrow, 0, count);
    return Array.from(narrow, BigInt);
  }
  return Array.from({ length: count }, (_, i) => {
    let value = 0n;
    for (let b = 0; b < width; b++) {
      const bit = i * width + b;
      if ((bytes[bit >> 3]! >> (bit & 7)) & 1) value |= 1n << BigInt(b);
    }
    return value;
  });
}
