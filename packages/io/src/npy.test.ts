import { ArgumentError, FormatError, ShapeError, toFloat32 } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { golden, npyFile, utf8 } from "../test/files.js";
import { decodeNpy, encodeNpy, encodeNpyHeader, type NpyData } from "./npy.js";

const UNSIGNED = [0, 1, 2, 3, 4, 5];
const SIGNED = [0, 1, 2, -3, -4, -5];

describe("decodeNpy", () => {
  const kinds = ["f2", "f4", "f8", "i2", "i4", "i8", "u2", "u4", "u8"];
  it.each([...kinds.flatMap((kind) => [`${kind}-le`, `${kind}-be`]), "i1", "u1"])(
    "reads %s as numpy wrote it",
    (file) => {
      const array = decodeNpy(golden(`${file}.npy`));
      expect(array.dtype).toBe(`${file[0]!.toUpperCase()}${Number(file[1]) * 8}`);
      expect(array.shape).toEqual([2, 3]);
      expect([...toFloat32(array)]).toEqual(file.startsWith("u") ? UNSIGNED : SIGNED);
    },
  );

  it.each([
    ["vector", [3], [1.5, -2.25, 3]],
    ["scalar", [], [7]],
    ["cube", [2, 3, 4], Array.from({ length: 24 }, (_, i) => i)],
    ["empty", [0, 5], []],
    ["version1", [2, 3], SIGNED],
    ["version2", [2, 3], SIGNED],
    ["version3", [2, 3], SIGNED],
  ])("reads %s", (file, shape, values) => {
    const array = decodeNpy(golden(`${file}.npy`));
    expect(array.shape).toEqual(shape);
    expect([...toFloat32(array)]).toEqual(values);
  });

  it.each([
    ["fortran", /Fortran order/, /ascontiguousarray/],
    ["object", /Python objects/, /astype/],
    ["structured", /structured type/, /one field/],
    ["complex", /complex numbers/, /astype/],
    ["text", /"<U2"/, /astype/],
  ])("refuses %s and says how to convert it", (file, message, hint) => {
    let error: unknown;
    try {
      decodeNpy(golden(`${file}.npy`), "x.npy");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message).toMatch(message);
    expect((error as FormatError).hint).toMatch(hint);
  });

  const header = (descr: string, shape: string): string =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }\n`;
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(), /does not start/],
    ["a magic alone", golden("f4-le.npy").subarray(0, 6), /does not start/],
    ["an unknown version", golden("f4-le.npy").with(6, 4), /version 4.0/],
    ["a header beyond the end", golden("f4-le.npy").subarray(0, 40), /up to byte 128 of 40/],
    ["missing elements", golden("f4-le.npy").subarray(0, 150), /takes 152 bytes; the file has 150/],
    ["elements too many", npyFile(header("'<f4'", "(1,)"), 5), /file has/],
    [
      "4 GB in its shape",
      npyFile(header("'<f4'", "(1000000, 1000)"), 4),
      /takes 40000000\d\d bytes/,
    ],
    ["an overflowing shape", npyFile(header("'<f4'", `(${"9".repeat(400)}, 2)`), 8), /takes/],
    ["no dictionary", npyFile("hello\n", 0), /damaged/],
    ["a missing field", npyFile("{'descr': '<f4'}\n", 0), /damaged/],
    ["a negative extent", npyFile(header("'<f4'", "(-1,)"), 4), /damaged/],
    ["an extent with a gap", npyFile(header("'<f4'", "(1 1,)"), 44), /takes/],
    ["text after the dictionary", npyFile(`${header("'<f4'", "(1,)")}x`, 4), /damaged/],
    ["an inherited type name", npyFile(header("'<toString'", "(1,)"), 4), /cannot read/],
    ["a type with a tail", npyFile(header("'<f4,<f4'", "(1,)"), 4), /cannot read/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeNpy(bytes)).toThrow(FormatError);
    expect(() => decodeNpy(bytes)).toThrow(message);
  });

  it("reads the shapes and quotes of other writers", () => {
    const bytes = npyFile('{"shape": (2L,), "descr": "<f4", "fortran_order": False}', 8);
    expect(decodeNpy(bytes).shape).toEqual([2]);
  });
});

describe("encodeNpy", () => {
  it.each<[string, NpyData, number[] | undefined]>([
    ["f4-le", Float32Array.from(SIGNED), [2, 3]],
    ["f8-le", Float64Array.from(SIGNED), [2, 3]],
    ["i1", Int8Array.from(SIGNED), [2, 3]],
    ["i2-le", Int16Array.from(SIGNED), [2, 3]],
    ["i4-le", Int32Array.from(SIGNED), [2, 3]],
    ["i8-le", BigInt64Array.from(SIGNED, BigInt), [2, 3]],
    ["u1", Uint8Array.from(UNSIGNED), [2, 3]],
    ["u2-le", Uint16Array.from(UNSIGNED), [2, 3]],
    ["u4-le", Uint32Array.from(UNSIGNED), [2, 3]],
    ["u8-le", BigUint64Array.from(UNSIGNED, BigInt), [2, 3]],
    ["vector", Float32Array.of(1.5, -2.25, 3), undefined],
    ["scalar", Float32Array.of(7), []],
    ["cube", Float32Array.from({ length: 24 }, (_, i) => i), [2, 3, 4]],
    ["empty", new Float32Array(), [0, 5]],
  ])("writes %s byte for byte as numpy does", (file, data, shape) => {
    expect(encodeNpy(data, shape)).toEqual(golden(`${file}.npy`));
  });

  it("writes half precision on request", () => {
    const data = Float32Array.from(SIGNED);
    expect(encodeNpy(data, [2, 3], { half: true })).toEqual(golden("f2-le.npy"));
  });

  it("gives back what was written", () => {
    fc.assert(
      fc.property(fc.float32Array(), fc.boolean(), (data, half) => {
        const back = toFloat32(decodeNpy(encodeNpy(data, [data.length], { half })));
        if (!half) expect(back).toEqual(data);
        expect(toFloat32(decodeNpy(encodeNpy(back, undefined, { half })))).toEqual(back);
      }),
    );
  });

  it("writes a header of one length whatever the number of rows", () => {
    const lengths = [0, 9, 12345678, 2 ** 53 - 1].map((n) => encodeNpyHeader("F32", [n, 7]).length);
    expect(new Set(lengths).size).toBe(1);
  });

  it("refuses what it cannot write", () => {
    const four = new Float32Array(4);
    expect(() => encodeNpy(four, [2, 3])).toThrow(ShapeError);
    expect(() => encodeNpy(four, [-2, -2])).toThrow(ShapeError);
    expect(() => encodeNpy(new Int32Array(4), [4], { half: true })).toThrow(ArgumentError);
    expect(() => encodeNpy([1, 2] as unknown as Float32Array)).toThrow(ArgumentError);
    expect(() => encodeNpy(new DataView(utf8("x").buffer) as unknown as Float32Array)).toThrow(
      ArgumentError,
    );
    expect(() => encodeNpyHeader("BF16", [1])).toThrow(ArgumentError);
  });
});
