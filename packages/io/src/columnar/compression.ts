import { Damage } from "./damage.js";

export type Codec = "SNAPPY" | "GZIP" | "BROTLI" | "LZ4" | "LZ4_RAW" | "ZSTD";

/** Most bytes that one byte of a codec's output can stand for, rounded up: what claims more is not believed. */
const MOST_EXPANSION: Readonly<Record<Codec, number>> = {
  SNAPPY: 32,
  GZIP: 2 ** 11,
  BROTLI: 2 ** 22,
  LZ4: 2 ** 8,
  LZ4_RAW: 2 ** 8,
  ZSTD: 2 ** 16,
};

/** Most bytes of a part that is held in memory at once. */
const MOST_BYTES = 2 ** 31 - 1;

/** Before anything is allocated for bytes that a file says will come out of others. */
export function checkExpansion(codec: Codec, compressed: number, claimed: number): void {
  const most = Math.min(MOST_BYTES, 64 + compressed * MOST_EXPANSION[codec]);
  if (claimed >= 0 && claimed <= most) return;
  throw new Damage(`${compressed} bytes compressed by ${codec} claim to hold ${claimed}`);
}

/**
 * Undoes a compression. The codecs are loaded when the first file needs them.
 *
 * @param length of the result, which the file gives
 * @throws {Damage} if the bytes are not what the codec writes, or give another length
 */
export async function decompress(
  codec: Codec,
  bytes: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  checkExpansion(codec, bytes.length, length);
  if (length === 0) return new Uint8Array(0);
  const codecs = await import("hyparquet-compressors");
  let found: Uint8Array;
  try {
    switch (codec) {
      case "SNAPPY":
        found = codecs.decompressSnappy(bytes, length);
        break;
      case "GZIP":
        found = codecs.decompressGzip(bytes, length);
        break;
      case "BROTLI":
        found = codecs.decompressBrotli(bytes, length);
        break;
      case "LZ4":
        found = codecs.decompressLz4(bytes, length);
        break;
      case "LZ4_RAW":
        found = codecs.decompressLz4Raw(bytes, length);
        break;
      case "ZSTD":
        found = codecs.decompressZstd(bytes, new Uint8Array(length));
        break;
    }
  } catch {
    throw new Damage(`a part compressed by ${codec} cannot be read`);
  }
  if (found.length !== length) {
    throw new Damage(`a part compressed by ${codec} holds ${found.length} bytes, not ${length}`);
  }
  return found;
}
