import { ArgumentError, Codes, FormatError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { packBinary, packUbinary, reverseBits, unpackBinary, unpackUbinary } from "./index.js";

const bitsOf = (dimension: number) => Array.from({ length: dimension }, () => 2);

/**
 * Made by NumPy: `ubinary` is `numpy.packbits(x > 0, axis=-1)`, `binary` that minus 128 as int8, `little` the former with
 * `bitorder="little"`.
 */
const golden = {
  values: [
    [-3, 4, 2, 0, -2, 5, 3, 1, -1, -3, 4, 2, 0, -2, 5, 3, 1, -1, -3, 4],
    [2, 0, -2, 5, -3, 1, -1, -3, 4, 2, 0, -2, 5, 3, 1, -1, 3, 4, 2, 0],
    [2, -5, 3, -1, 1, -3, -4, -2, 0, 2, -5, 3, -1, 1, -3, -4, -2, 0, 2, -5],
    [-3, 1, -1, -3, 4, 2, 0, -2, 5, 3, 1, -1, 3, 4, 2, 0, -2, 5, -3, 1],
  ],
  ubinary: [103, 51, 144, 148, 206, 224, 168, 84, 32, 76, 238, 80],
  binary: [-25, -77, 16, 20, 78, 96, 40, -44, -96, -52, 110, -48],
  little: [230, 204, 9, 41, 115, 7, 21, 42, 4, 50, 119, 10],
};
const codes = new Codes(
  golden.values.flat().map((value) => (value > 0 ? 1 : 0)),
  bitsOf(20),
);

describe("byte forms", () => {
  it("are NumPy's", () => {
    expect([...packUbinary(codes)]).toEqual(golden.ubinary);
    expect([...packBinary(codes)]).toEqual(golden.binary);
    expect([...codes.pack()]).toEqual(golden.little);
  });

  it("are read back", () => {
    expect(unpackUbinary(Uint8Array.from(golden.ubinary), 20)).toEqual(codes);
    expect(unpackBinary(Int8Array.from(golden.binary), 20)).toEqual(codes);
  });

  it("convert into one another, whatever the bits", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 5 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 1 })),
        (dimension, rows, bits) => {
          const some = new Codes([...bits.take(dimension * rows)], bitsOf(dimension));
          expect(unpackUbinary(packUbinary(some), dimension)).toEqual(some);
          expect(unpackBinary(packBinary(some), dimension)).toEqual(some);
          expect(reverseBits(packUbinary(some))).toEqual(some.pack());
          expect([...packBinary(some)]).toEqual([...packUbinary(some)].map((byte) => byte - 128));
        },
      ),
    );
  });

  it("hold one bit per column, and whole rows", () => {
    expect(() => packUbinary(new Codes([0, 1], [2, 3]))).toThrow(ArgumentError);
    expect(() => packBinary(new Codes([0, 1], [2, 3]))).toThrow(/column 1 has cardinality 3/);
    expect(() => unpackUbinary(new Uint8Array(5), 12)).toThrow(FormatError);
    expect(() => unpackBinary(new Int8Array(5), 0)).toThrow(/dimension is 0/);
  });
});
