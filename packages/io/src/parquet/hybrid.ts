import { Damage } from "../columnar/damage.js";

/**
 * Integers of a few bits, as runs of one value and as groups of eight
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/, "Run Length Encoding / Bit-Packing Hybrid").
 *
 * @param width bits of each, 0 to 32
 * @param out filled whole, whatever the runs claim
 * @throws {Damage} if the bytes end first
 */
export function readHybrid(bytes: Uint8Array, width: number, out: Uint8Array | Uint32Array): void {
  if (width > 32) throw new Damage(`a page has integers of ${width} bits`);
  let at = 0;
  for (let filled = 0; filled < out.length;) {
    const header = readVarint(bytes, at);
    at = header.end;
    const left = out.length - filled;
    if (header.value % 2 === 1) {
      // The last group may hold more values than there are.
      const groups = (header.value - 1) / 2;
      const count = Math.min(left, groups * 8);
      const needed = Math.ceil((count * width) / 8);
      if (needed > bytes.length - at) throw new Damage("a page ends within its integers");
      unpack(bytes, at, width, out, filled, count);
      filled += count;
      at = Math.min(bytes.length, at + groups * width);
    } else {
      const size = Math.ceil(width / 8);
      if (size > bytes.length - at) throw new Damage("a page ends within its integers");
      let value = 0;
      for (let i = 0; i < size; i++) value |= bytes[at + i]! << (8 * i);
      const count = Math.min(left, header.value / 2);
      out.fill(value >>> 0, filled, filled + count);
      filled += count;
      at += size;
    }
  }
}

/** An unsigned integer of seven bits a byte. */
export function readVarint(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0;
  for (let shift = 0; shift < 70; shift += 7) {
    const byte = bytes[at++];
    if (byte === undefined) throw new Damage("a page ends within its integers");
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return { value, end: at };
  }
  throw new Damage("a page has an integer without an end");
}

/** Bit-packed integers, the lowest bit first. Bytes beyond the end count as 0. */
export function unpack(
  bytes: Uint8Array,
  start: number,
  width: number,
  out: Uint8Array | Uint32Array,
  first: number,
  count: number,
): void {
  if (width === 1) {
    for (let i = 0; i < count; i++) out[first + i] = (bytes[start + (i >> 3)]! >> (i & 7)) & 1;
    return;
  }
  const mask = width === 32 ? 0xffffffff : 2 ** width - 1;
  for (let i = 0; i < count; i++) {
    const bit = i * width;
    const at = start + Math.floor(bit / 8);
    const shift = bit & 7;
    const low =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    const high = shift === 0 ? 0 : (bytes[at + 4] ?? 0) << (32 - shift);
    out[first + i] = ((low >>> shift) | high) & mask;
  }
}
