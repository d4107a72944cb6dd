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
 * Undoes a compression.
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
  try {
    const found = ownCodec(codec, length)?.(bytes) ?? (await loadedCodec(codec, bytes, length));
    if (found.length === length) return found;
  } catch {
    // What the codecs throw says no more than that they failed.
  }
  throw new Damage(`a part compressed by ${codec} cannot be read`);
}

/** Node's codec, where this runs there and has it: many times as fast as one in JavaScript. */
function ownCodec(codec: Codec, length: number): ((bytes: Uint8Array) => Uint8Array) | undefined {
  const zlib = globalThis.process?.getBuiltinModule?.("node:zlib");
  if (zlib === undefined) return undefined;
  const options = { maxOutputLength: length };
  switch (codec) {
    case "GZIP":
      return (bytes) => zlib.gunzipSync(bytes, options);
    case "BROTLI":
      return (bytes) => zlib.brotliDecompressSync(bytes, options);
    case "ZSTD": {
      // Since Node 22.15.
      const { zstdDecompressSync } = zlib as Partial<ZstdCodec>;
      return zstdDecompressSync && ((bytes) => zstdDecompressSync(bytes, options));
    }
    default:
      return undefined;
  }
}

interface ZstdCodec {
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number }): Uint8Array;
}

/** Loaded when the first file needs one. */
async function loadedCodec(codec: Codec, bytes: Uint8Array, length: number): Promise<Uint8Array> {
  const codecs = await import("hyparquet-compressors");
  switch (codec) {
    case "SNAPPY":
      return codecs.decompressSnappy(bytes, length);
    case "GZIP":
      return codecs.decompressGzip(bytes, length);
    case "BROTLI":
      return codecs.decompressBrotli(bytes, length);
    case "LZ4":
      return codecs.decompressLz4(bytes, length);
    case "LZ4_RAW":
      return codecs.decompressLz4Raw(bytes, length);
    case "ZSTD":
      return codecs.decompressZstd(bytes, new Uint8Array(length));
  }
}
