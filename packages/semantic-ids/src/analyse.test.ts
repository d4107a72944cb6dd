import { ArgumentError, Codes, ShapeError } from "@tessera/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { analyseCodes, collisionGroups } from "./analyse.js";

const codes = new Codes([1, 1, 0, 2, 1, 1, 1, 1, 2, 0, 0, 2], [3, 4]);

test("collisions are counted by hand", () => {
  const { levels, ...rest } = analyseCodes(codes);
  expect(rest).toEqual({
    rows: 6,
    distinct: 3,
    collisionRate: 0.5,
    collidingRows: 5,
    collidingShare: 5 / 6,
    largestGroup: 3,
    groupSizes: [
      { size: 1, groups: 1 },
      { size: 2, groups: 1 },
      { size: 3, groups: 1 },
    ],
  });
  expect(levels).toMatchObject([
    { cardinality: 3, usedCodes: 3, distinctPrefixes: 3 },
    { cardinality: 4, usedCodes: 3, distinctPrefixes: 3 },
  ]);
  // Usage 3, 2, 1 of 6.
  const entropy = Math.log(2) / 2 + Math.log(3) / 3 + Math.log(6) / 6;
  expect(levels[0]!.perplexity).toBeCloseTo(Math.exp(entropy), 12);
});

test("even usage has the perplexity of its codes", () => {
  const even = new Codes([0, 0, 1, 0, 2, 0, 3, 0], [4, 9]);
  expect(analyseCodes(even).levels.map((l) => l.perplexity)).toEqual([
    expect.closeTo(4, 12),
    expect.closeTo(1, 12),
  ]);
});

test("weights say how much traffic a colliding ID gets", () => {
  const weights = [0, 0, 0, 1, 3, 0];
  expect(analyseCodes(codes, { weights }).collidingShare).toBe(0.25);
  expect(analyseCodes(codes, { weights: new Float32Array(6) }).collidingShare).toBe(0);
  expect(() => analyseCodes(codes, { weights: [1] })).toThrow(ShapeError);
  expect(() => analyseCodes(codes, { weights: [1, 1, -1, 1, 1, 1] })).toThrow(ArgumentError);
  expect(() => analyseCodes(codes, { weights: [1, 1, NaN, 1, 1, 1] })).toThrow("row 2 is NaN");
});

test("collision groups: the largest first, rows ascending", () => {
  const groups = collisionGroups(codes).map(({ codes, rows }) => ({ codes, rows: [...rows] }));
  expect(groups).toEqual([
    { codes: [1, 1], rows: [0, 2, 3] },
    { codes: [0, 2], rows: [1, 5] },
  ]);
});

test("no rows give zeros, not NaN", () => {
  const empty = analyseCodes(new Codes([], [4]));
  expect(empty.collisionRate).toBe(0);
  expect(empty.collidingShare).toBe(0);
  expect(empty.largestGroup).toBe(0);
  expect(empty.levels[0]!.perplexity).toBe(0);
  expect(collisionGroups(new Codes([], [4]))).toEqual([]);
});

test("agrees with counting by string keys, for narrow and wide columns", () => {
  // Cardinality 2^20 is sorted in two passes; close values there differ in one of the two halves.
  const wide = fc.constantFrom(0, 1, 4095, 4096, 4097, 8192, 2 ** 20 - 1);
  const row = fc.tuple(fc.nat(2), wide, fc.nat(1));
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 50 }), (rows) => {
      const codes = new Codes(rows.flat(), [3, 2 ** 20, 2]);
      const found = analyseCodes(codes);
      const keys = (length: number) => rows.map((r) => r.slice(0, length).join());
      expect(found.levels.map((l) => l.distinctPrefixes)).toEqual(
        [1, 2, 3].map((length) => new Set(keys(length)).size),
      );
      expect(found.distinct).toBe(new Set(keys(3)).size);
      const groups = new Map<string, number[]>();
      keys(3).forEach((key, i) => groups.set(key, [...(groups.get(key) ?? []), i]));
      const expected = [...groups.values()].filter((g) => g.length > 1);
      expected.sort((a, b) => b.length - a.length || a[0]! - b[0]!);
      expect(collisionGroups(codes).map((g) => Array.from(g.rows))).toEqual(expected);
      expect(found.collidingRows).toBe(expected.flat().length);
    }),
  );
});
