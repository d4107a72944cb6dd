import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "./errors.js";
import { philox, portableLog, Random } from "./random.js";

describe("philox", () => {
  // Known answers of the Random123 distribution (kat_vectors, philox4x32, 10 rounds).
  it.each([
    [
      [0, 0, 0, 0, 0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])("gives the published block for %j", (input, expected) => {
    const out = new Uint32Array(4);
    const [c0, c1, c2, c3, k0, k1] = input as [number, number, number, number, number, number];
    philox(out, c0, c1, c2, c3, k0, k1);
    expect([...out]).toEqual(expected);
  });
});

describe("Random", () => {
  it("draws the same from the same seed, and otherwise from another", () => {
    const draw = (seed: number) =>
      Array.from(
        { length: 8 },
        (
          (r) => () =>
            r.uint32()
        )(new Random(seed)),
      );
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(2 ** 40)).not.toEqual(draw(0));
  });

  it("gives streams that do not depend on what was drawn, and differ by label", () => {
    const root = new Random(1);
    const before = root.stream("init", 3).uint32();
    root.uint32();
    expect(root.stream("init", 3).uint32()).toBe(before);
    const first = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      first.add(root.stream("init", i).uint32());
      first.add(root.stream(`init${i}`).uint32());
    }
    // 4000 draws of 32 bits collide with probability .002.
    expect(first.size).toBe(4000);
    expect(root.stream("a", "b").uint32()).not.toBe(root.stream("ab").uint32());
    expect(root.stream("1").uint32()).not.toBe(root.stream(1).uint32());
  });

  it("has uniform values in [0, 1) with the right mean and variance", () => {
    const random = new Random(3);
    let sum = 0;
    let squares = 0;
    const n = 100_000;
    for (let i = 0; i < n; i++) {
      const value = random.uniform();
      expect(value >= 0 && value < 1).toBe(true);
      sum += value;
      squares += value * value;
    }
    expect(sum / n).toBeCloseTo(1 / 2, 2);
    expect(squares / n).toBeCloseTo(1 / 3, 2);
  });

  it("has normal values with the right first four moments", () => {
    const random = new Random(4);
    const n = 200_000;
    const moments = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const value = random.normal();
      for (let k = 0; k < 4; k++) moments[k]! += value ** (k + 1) / n;
    }
    expect(moments[0]).toBeCloseTo(0, 1);
    expect(moments[1]).toBeCloseTo(1, 1);
    expect(moments[2]).toBeCloseTo(0, 1);
    expect(moments[3]! / 3).toBeCloseTo(1, 1);
  });

  it("samples distinct values, permutes all, and keeps integers below their bound", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 200 }), (seed, n) => {
        const random = new Random(seed);
        const drawn = random.sample(n, Math.ceil(n / 2));
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(drawn.every((value) => value < n)).toBe(true);
        expect([...random.permutation(n)].sort((a, b) => a - b)).toEqual([...Array(n).keys()]);
        expect(random.integer(n)).toBeLessThan(n);
      }),
    );
  });

  it("refuses what it cannot do", () => {
    expect(() => new Random(-1)).toThrow(ArgumentError);
    expect(() => new Random(0.5)).toThrow(ArgumentError);
    expect(() => new Random(0).integer(0)).toThrow(ArgumentError);
    expect(() => new Random(0).sample(3, 4)).toThrow(ArgumentError);
  });
});

describe("portableLog", () => {
  it("agrees with Math.log to a few ulp", () => {
    fc.assert(
      fc.property(fc.double({ min: Number.MIN_VALUE, max: 1e300, noNaN: true }), (x) => {
        const expected = Math.log(x);
        expect(Math.abs(portableLog(x) - expected)).toBeLessThanOrEqual(
          1e-15 * Math.max(1, Math.abs(expected)),
        );
      }),
    );
  });
});
