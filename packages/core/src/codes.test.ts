import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bitsFor, Codes, joinCodes } from "./codes.js";
import { ArgumentError, CodeRangeError, FormatError, ShapeError } from "./errors.js";

const tables = fc
  .array(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 6 })
  .chain((bits) =>
    fc
      .tuple(...bits.map((b) => fc.integer({ min: 2 ** (b - 1), max: 2 ** b })))
      .chain((cardinalities) =>
        fc
          .array(fc.tuple(...cardinalities.map((k) => fc.nat({ max: k - 1 }))), { maxLength: 9 })
          .map((rows) => new Codes(rows.flat(), cardinalities)),
      ),
  );

describe("Codes", () => {
  it("unpacks what it packs, for any 1 to 24 bits a column", () => {
    fc.assert(
      fc.property(tables, (codes) => {
        const unpacked = Codes.unpack(codes.pack(), codes.cardinalities);
        expect(unpacked).toEqual(codes);
      }),
    );
  });

  it("packs least significant bit first, contiguous across columns", () => {
    // Two 6-bit codes, 5 and 33: 5 + 33·64 = 2117 = 0x0845, in two little-endian bytes. faiss packs them the same.
    expect([...new Codes([5, 33], [64, 64]).pack()]).toEqual([69, 8]);
    // 24 bits after 7: the accumulator is at its fullest.
    const wide = new Codes([0x7f, 0xabcdef], [128, 2 ** 24]);
    expect([...wide.pack()]).toEqual([0xff, 0xf7, 0xe6, 0x55]);
  });

  it("names the first code out of range, in arrays of any type", () => {
    for (const data of [[0, 1, 2, 5, 9, 4], Uint8Array.of(0, 1, 2, 5, 9, 4)]) {
      expect(() => new Codes(data, [10, 5])).toThrow(new CodeRangeError(1, 1, 5, 5));
      expect(new Codes(data, [10, 6]).rows).toBe(3);
    }
    expect(() => new Codes(Uint16Array.of(255, 256), [256])).toThrow(CodeRangeError);
    expect(() => new Codes([0.5], [256])).toThrow(CodeRangeError);
  });

  it("uses the smallest array that holds every column", () => {
    expect(new Codes([0, 255], [256, 256]).data).toBeInstanceOf(Uint8Array);
    expect(new Codes([0, 256], [256, 257]).data).toBeInstanceOf(Uint16Array);
    expect(new Codes([65536], [65537]).data).toBeInstanceOf(Uint32Array);
  });

  it("needs ceil(log2 K) bits, and at least one", () => {
    expect([1, 2, 3, 4, 5, 256, 257, 2 ** 24].map(bitsFor)).toEqual([1, 1, 2, 2, 3, 8, 9, 24]);
  });

  it("cuts prefixes and rows, and joins", () => {
    const codes = new Codes([1, 2, 3, 4, 5, 6], [7, 7, 300]);
    expect(codes.prefix(2)).toEqual(new Codes([1, 2, 4, 5], [7, 7]));
    expect([...codes.row(1)]).toEqual([4, 5, 6]);
    expect(joinCodes([codes, codes]).rows).toBe(4);
    expect(() => codes.row(2)).toThrow(ShapeError);
    expect(() => codes.prefix(0)).toThrow(ArgumentError);
    expect(() => joinCodes([codes, codes.prefix(2)])).toThrow(ShapeError);
  });

  it("names the code that is out of range", () => {
    expect(() => new Codes([0, 1, 2, 8], [8, 8])).toThrow(
      "code 8 at row 1, column 1 is outside 0..7",
    );
    expect(() => new Codes([-1], [8])).toThrow(CodeRangeError);
    expect(() => new Codes([0.5], [8])).toThrow(CodeRangeError);
    // 3 columns of 2 bits leave room for code 3 of cardinality 3.
    expect(() => Codes.unpack(new Uint8Array([0b111111]), [3, 3, 3])).toThrow(CodeRangeError);
    expect(() => Codes.unpack(new Uint8Array(3), [256, 256])).toThrow(FormatError);
    expect(() => new Codes([1, 2, 3], [8, 8])).toThrow(ShapeError);
    expect(() => new Codes([1], [2 ** 24 + 1])).toThrow(ArgumentError);
  });
});
