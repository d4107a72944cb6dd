import { ArgumentError, ShapeError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hammingDistances, hammingTopK } from "./index.js";

/** Bit by bit. */
function differing(a: Uint8Array, b: Uint8Array): number {
  let count = 0;
  for (let bit = 0; bit < 8 * a.length; bit++) {
    const [inA, inB] = [a[bit >> 3]! >> (bit & 7), b[bit >> 3]! >> (bit & 7)];
    count += (inA ^ inB) & 1;
  }
  return count;
}

/** Rows of bytes and one more for the query, at any place in their buffer. */
const problems = fc
  .record({
    rowBytes: fc.integer({ min: 1, max: 20 }),
    rows: fc.integer({ min: 0, max: 30 }),
    offset: fc.integer({ min: 0, max: 4 }),
  })
  .chain(({ rowBytes, rows, offset }) => {
    const length = offset + (rows + 1) * rowBytes;
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => ({
      query: bytes.subarray(offset, offset + rowBytes),
      codes: bytes.subarray(offset + rowBytes),
      rowBytes,
    }));
  });

describe("Hamming distances", () => {
  it("count differing bits", () => {
    const query = Uint8Array.of(0b1010, 0xff);
    const codes = Uint8Array.of(0b1010, 0xff, 0b0101, 0xff, 0b1010, 0, 0b0101, 0);
    expect([...hammingDistances(query, codes)]).toEqual([0, 4, 8, 12]);
  });

  it("equal a count bit by bit, for any length and place in memory", () => {
    fc.assert(
      fc.property(problems, ({ query, codes, rowBytes }) => {
        const expected = Array.from({ length: codes.length / rowBytes }, (_, i) =>
          differing(query, codes.subarray(i * rowBytes, (i + 1) * rowBytes)),
        );
        expect([...hammingDistances(query, codes)]).toEqual(expected);
        const asInt8 = (bytes: Uint8Array) => Int8Array.from(bytes, (byte) => byte ^ 0x80);
        expect([...hammingDistances(asInt8(query), asInt8(codes))]).toEqual(expected);
      }),
    );
  });

  it("give the nearest rows, the lowest index first among equals", () => {
    fc.assert(
      fc.property(problems, fc.integer({ min: 1, max: 40 }), ({ query, codes }, k) => {
        const all = [...hammingDistances(query, codes)].map((distance, index) => ({
          distance,
          index,
        }));
        const expected = all
          .toSorted((a, b) => a.distance - b.distance || a.index - b.index)
          .slice(0, k);
        const { indices, distances } = hammingTopK(query, codes, k);
        expect([...indices]).toEqual(expected.map(({ index }) => index));
        expect([...distances]).toEqual(expected.map(({ distance }) => distance));
      }),
    );
  });

  it("refuse bytes that are not whole rows, and a k that is none", () => {
    expect(() => hammingDistances(new Uint8Array(3), new Uint8Array(4))).toThrow(ShapeError);
    expect(() => hammingDistances(new Uint8Array(0), new Uint8Array(4))).toThrow(ShapeError);
    expect(() => hammingTopK(new Uint8Array(2), new Uint8Array(4), 0)).toThrow(ArgumentError);
  });
});
