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
  return rowBytes % 4 === 0 && codes.byteOffset % 4 === 0
    ? distancesByWord(query, codes)
    : distancesByByte(query, codes);
}

/** For rows that lie in words of 32 bits. */
function distancesByWord(query: BitBytes, codes: BitBytes): Uint32Array {
  const q = new Int32Array(Uint8Array.from(query).buffer);
  const c = new Int32Array(codes.buffer, codes.byteOffset, codes.length / 4);
  const distances = new Uint32Array(c.length / q.length);
  for (let i = 0, at = 0; i < distances.length; i++) {
    let distance = 0;
    for (let j = 0; j < q.length; j++, at++) distance += popCount(q[j]! ^ c[at]!);
    distances[i] = distance;
  }
  return distances;
}

/** For rows that begin anywhere: words where four bytes are left of a row, then single bytes. */
function distancesByByte(query: BitBytes, codes: BitBytes): Uint32Array {
  const q = new DataView(query.buffer, query.byteOffset, query.length);
  const c = new DataView(codes.buffer, codes.byteOffset, codes.length);
  const rowBytes = query.length;
  const distances = new Uint32Array(codes.length / rowBytes);
  for (let i = 0, at = 0; i < distances.length; i++) {
    let distance = 0;
    let j = 0;
    for (; j + 4 <= rowBytes; j += 4, at += 4) {
      distance += popCount(q.getInt32(j) ^ c.getInt32(at));
    }
    for (; j < rowBytes; j++, at++) distance += popCount(q.getUint8(j) ^ c.getUint8(at));
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

/** Bits that are 1 in a word: sums of neighbouring pairs, fours and bytes, which a product then adds up. */
function popCount(word: number): number {
  word -= (word >>> 1) & 0x55555555;
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
  return Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
