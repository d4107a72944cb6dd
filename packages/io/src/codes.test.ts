import { CodeRangeError, Codes, FormatError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { golden } from "../test/files.js";
import { decodeCodes, encodeCodes } from "./codes.js";
import { decodeNpy, encodeNpy } from "./npy.js";

describe("codes in npy", () => {
  it.each([
    [[256, 256], "U8"],
    [[257, 2], "U16"],
    [[65537], "U32"],
  ])("of cardinalities %j are %s", (cardinalities, dtype) => {
    const codes = new Codes(
      cardinalities.map((k) => k - 1),
      cardinalities,
    );
    const bytes = encodeCodes(codes);
    expect(decodeNpy(bytes)).toMatchObject({ dtype, shape: [1, cardinalities.length] });
    expect(decodeCodes(bytes, cardinalities)).toEqual(codes);
  });

  it("give back what was written", () => {
    const cardinalities = fc.array(fc.integer({ min: 1, max: 70000 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(cardinalities, fc.nat(5), fc.nat(), (sizes, rows, seed) => {
        const data = Array.from(
          { length: rows * sizes.length },
          (_, i) => (seed + 7919 * i) % sizes[i % sizes.length]!,
        );
        const codes = new Codes(data, sizes);
        expect(decodeCodes(encodeCodes(codes), sizes)).toEqual(codes);
      }),
    );
  });

  it.each(["u1", "u2-be", "u4-le", "u8-le"])("are read from %s", (file) => {
    const codes = decodeCodes(golden(`${file}.npy`), [6, 6, 6]);
    expect([codes.rows, [...codes.data]]).toEqual([2, [0, 1, 2, 3, 4, 5]]);
  });

  it("of one dimension are one column", () => {
    expect(decodeCodes(encodeNpy(Uint8Array.of(1, 0)), [2]).columns).toBe(1);
  });

  it.each<[string, Uint8Array, number[], unknown]>([
    ["floats", golden("f4-le.npy"), [6, 6, 6], FormatError],
    ["another number of columns", golden("u1.npy"), [6, 6], FormatError],
    ["three dimensions", golden("cube.npy"), [6, 6, 6], FormatError],
    ["no dimension", encodeNpy(Uint8Array.of(1), []), [2], FormatError],
    ["negative numbers", golden("i8-le.npy"), [6, 6, 6], CodeRangeError],
    ["a code beyond its cardinality", golden("u1.npy"), [6, 6, 5], CodeRangeError],
  ])("are refused with %s", (_, bytes, cardinalities, error) => {
    expect(() => decodeCodes(bytes, cardinalities)).toThrow(error as typeof Error);
  });
});
