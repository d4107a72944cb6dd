import { Damage } from "../columnar/damage.js";

/**
 * Undoes an LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md), which is how Arrow compresses.
 * Checksums are skipped.
 *
 * @param length of the result
 * @throws {Damage} if the bytes are no such frame, or give another length
 */
export function readLz4Frame(bytes: Uint8Array, length: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 11 || view.getUint32(0, true) !== 0x184d2204) throw damaged();
  const flags = bytes[4]!;
  if (flags >> 6 !== 1) throw damaged();
  // Magic text, two bytes of flags and one that checks them; the size of the content and a dictionary's id, if given.
  let at = 7 + (flags & 8 ? 8 : 0) + (flags & 1 ? 4 : 0);
  const checksum = flags & 16 ? 4 : 0;
  const out = new Uint8Array(length);
  let filled = 0;
  for (;;) {
    if (at + 4 > bytes.length) throw damaged();
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) break;
    const size = head % 2 ** 31;
    if (size > bytes.length - at) throw damaged();
    const block = bytes.subarray(at, at + size);
    if (head < 2 ** 31) filled = readBlock(block, out, filled);
    else {
      if (size > out.length - filled) throw damaged();
      out.set(block, filled);
      filled += size;
    }
    at += size + checksum;
  }
  if (filled !== length) throw damaged();
  return out;
}

/** One block, which may repeat what those before it gave; returns how much of `out` is filled. */
function readBlock(bytes: Uint8Array, out: Uint8Array, start: number): number {
  let filled = start;
  let at = 0;
  /** 15 says that bytes follow which add to it, up to one below 255. */
  const extended = (nibble: number): number => {
    let value = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255;) {
      byte = bytes[at++] ?? 0;
      value += byte;
    }
    return value;
  };
  while (at < bytes.length) {
    const token = bytes[at++]!;
    const literals = extended(token >> 4);
    if (literals > bytes.length - at || literals > out.length - filled) throw damaged();
    out.set(bytes.subarray(at, at + literals), filled);
    at += literals;
    filled += literals;
    // The last sequence has no match.
    if (at >= bytes.length) break;
    const distance = bytes[at]! | ((bytes[at + 1] ?? 0) << 8);
    at += 2;
    const length = extended(token & 15) + 4;
    if (distance === 0 || distance > filled || length > out.length - filled) throw damaged();
    if (distance >= length) out.copyWithin(filled, filled - distance, filled - distance + length);
    else for (let i = 0; i < length; i++) out[filled + i] = out[filled + i - distance]!;
    filled += length;
  }
  return filled;
}

function damaged(): Damage {
  return new Damage("a part compressed by LZ4 cannot be read");
}
