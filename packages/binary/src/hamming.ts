import { ArgumentError, ShapeError } from "@tessera/core";

/** One bit per dimension in bytes. Any byte form does, as long as both sides have the same. */
export type BitBytes = Uint8Array | Int8Array;

/** The nearest rows, nearest first; equal distances by index. */
export interface HammingNeighbours {
  /** `[k]` */
  readonly indices: Uint32Array;
  /** `[k]`, in bits */
  readonly distances: Uint32Array;
}

/**
 * The number of bits in which each row differs from the query, exactly.
 *
 * @param query one row of bytes; its length is that of a row
 * @param codes `[n, query.length]`
 * @returns `[n]`
 * @throws {ShapeError} if the codes are not whole rows of the query's length
 */
export function hammingDistances(query: BitBytes, codes: BitBytes): Uint32Array {
  const rowBytes = query.length;
  if (rowBytes === 0 || codes.length % rowBytes !== 0) {
    throw new ShapeError(
      `${codes.length} bytes of codes are not whole rows of the query's ${rowBytes} bytes`,
    );
  }
  const rows = codes.length / rowBytes;
  const q = toWords(query, rowBytes);
  const c = toWords(codes, rowBytes);
  const width = q.length;
  const distances = new Uint32Array(rows);
  for (let i = 0, at = 0; i < rows; i++) {
    let distance = 0;
    for (let j = 0; j < width; j++, at++) distance += popCount(q[j]! ^ c[at]!);
    distances[i] = distance;
  }
  return distances;
}

/**
 * The `k` rows that differ from the query in the fewest bits, or all if there are fewer.
 *
 * @param query one row of bytes; its length is that of a row
 * @param codes `[n, query.length]`
 * @throws {ShapeError} if the codes are not whole rows of the query's length
 * @throws {ArgumentError} if `k` is not an integer from 1
 */
export function hammingTopK(query: BitBytes, codes: BitBytes, k: number): HammingNeighbours {
  if (!Number.isInteger(k) || k < 1) {
    throw new ArgumentError(`k is ${k}; it must be an integer from 1`);
  }
  const all = hammingDistances(query, codes);
  const count = Math.min(k, all.length);
  // Distances are small integers, so rows are counted by distance, then put in place in the order of their indices.
  const starts = new Uint32Array(8 * query.length + 2);
  for (const distance of all) starts[distance + 1]!++;
  for (let d = 1; d < starts.length; d++) starts[d] = starts[d]! + starts[d - 1]!;
  const indices = new Uint32Array(count);
  const distances = new Uint32Array(count);
  for (let i = 0; i < all.length; i++) {
    const distance = all[i]!;
    const place = starts[distance]!++;
    if (place >= count) continue;
    indices[place] = i;
    distances[place] = distance;
  }
  return { indices, distances };
}

/** The rows in words of 32 bits, the last of each filled up with zeros. Not copied where they lie in words already. */
function toWords(bytes: BitBytes, rowBytes: number): Int32Array {
  if (rowBytes % 4 === 0 && bytes.byteOffset % 4 === 0) {
    return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  }
  const rowWords = Math.ceil(rowBytes / 4);
  const rows = bytes.length / rowBytes;
  const words = new Int32Array(rows * rowWords);
  const target = new Uint8Array(words.buffer);
  const source = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let j = 0; j < rowBytes; j++, at++) target[i * rowWords * 4 + j] = source[at]!;
  }
  return words;
}

/** Bits that are 1 in a word: sums of neighbouring pairs, fours and bytes, which a product then adds up. */
function popCount(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
