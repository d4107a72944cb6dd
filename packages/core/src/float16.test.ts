import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToFloat16,
  float32ToBfloat16,
} from "./float16.js";

const toHalf = (value: number): number => float32ToFloat16(Float32Array.of(value))[0]!;

describe("half precision", () => {
  it("knows the landmarks of the format", () => {
    const bits = Uint16Array.of(
      0,
      0x8000,
      1,
      0x03ff,
      0x0400,
      0x3c00,
      0xc000,
      0x7bff,
      0x7c00,
      0xfc00,
    );
    const values = [
      0,
      -0,
      2 ** -24,
      1023 * 2 ** -24,
      2 ** -14,
      1,
      -2,
      65504,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ];
    expect([...float16ToFloat32(bits)]).toEqual(values);
    expect([...float32ToFloat16(Float32Array.from(values))]).toEqual([...bits]);
  });

  it("gives back each of the 65536 halves", () => {
    const bits = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
    const values = float16ToFloat32(bits);
    const back = float32ToFloat16(values);
    const wrong = bits.filter((half, i) =>
      Number.isNaN(values[i]!) ? (back[i]! & 0x7fff) !== 0x7e00 : back[i] !== half,
    );
    expect([...wrong]).toEqual([]);
  });

  it("rounds to nearest, ties to even", () => {
    expect(toHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(toHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(toHalf(1 + 2 ** -11 + 2 ** -20)).toBe(0x3c01);
    expect(toHalf(2 ** -25)).toBe(0);
    expect(toHalf(3 * 2 ** -25)).toBe(2);
    expect(toHalf(65519)).toBe(0x7bff);
    expect(toHalf(65520)).toBe(0x7c00);
  });

  it("picks the nearest half of any float", () => {
    const halves = float16ToFloat32(Uint16Array.from({ length: 0x7c00 }, (_, i) => i));
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: 0, max: 65504 }), (value) => {
        const half = toHalf(value);
        const error = Math.abs(halves[half]! - value);
        for (const near of [half - 1, half + 1]) {
          const other = halves[near];
          if (other !== undefined) expect(Math.abs(other - value)).toBeGreaterThanOrEqual(error);
        }
      }),
    );
  });
});

describe("bfloat16", () => {
  it("is the upper half of a float32", () => {
    const bits = Uint16Array.of(0x3f80, 0xc040, 0x7f80, 0x0001);
    expect([...bfloat16ToFloat32(bits)]).toEqual([1, -3, Number.POSITIVE_INFINITY, 2 ** -133]);
  });

  it("rounds to nearest, ties to even, and keeps what is not finite", () => {
    const round = (value: number) => float32ToBfloat16(Float32Array.of(value))[0]!;
    expect(round(1 + 2 ** -8)).toBe(0x3f80);
    expect(round(1 + 3 * 2 ** -8)).toBe(0x3f82);
    expect(round(-1 - 2 ** -8 - 2 ** -20)).toBe(0xbf81);
    expect(round(3.4e38)).toBe(0x7f80);
    expect(round(-Infinity)).toBe(0xff80);
    expect(bfloat16ToFloat32(Uint16Array.of(round(NaN)))[0]).toBeNaN();
  });

  it("survives a round trip from bits", () => {
    const finite = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i).filter(
      (bits) => (bits & 0x7f80) !== 0x7f80,
    );
    expect(float32ToBfloat16(bfloat16ToFloat32(finite))).toEqual(finite);
  });
});
