import { ArgumentError, Codes, ShapeError } from "@tessera/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { prefixPurity } from "./purity.js";

test("purity by hand", () => {
  const codes = new Codes([0, 0, 0, 0, 0, 1, 1, 0, 1, 1], [2, 2]);
  const found = prefixPurity(codes, ["x", "x", "y", "y", "z"]);
  expect(found).toMatchObject({ rows: 5, labels: 3, baseline: 2 / 5, pairBaseline: 2 / 10 });
  const [first, second] = found.levels;
  // {x, x, y} and {y, z}.
  expect(first).toMatchObject({
    length: 1,
    prefixes: 2,
    purity: 3 / 5,
    sharedPurity: 3 / 5,
    sharedRows: 5,
    pairAgreement: 1 / 4,
  });
  // {x, x}, {y}, {y}, {z}: the three that are alone are pure, but say nothing.
  expect(second).toMatchObject({
    length: 2,
    prefixes: 4,
    purity: 1,
    sharedPurity: 1,
    sharedRows: 2,
    pairAgreement: 1,
  });
});

test("mutual information: 1 if prefix and label are the same partition, 0 if independent", () => {
  const codes = new Codes([0, 0, 1, 1], [2]);
  const nmi = (labels: number[]) =>
    prefixPurity(codes, Int32Array.from(labels)).levels[0]!.normalizedMutualInformation;
  expect(nmi([7, 7, -3, -3])).toBeCloseTo(1, 12);
  expect(nmi([0, 1, 0, 1])).toBeCloseTo(0, 12);
  // H(prefix) = ln 2, H(label) = ln 4 / 2 + ln 2 / 2, information ln 2.
  expect(nmi([0, 0, 1, 2])).toBeCloseTo((2 * Math.log(2)) / (2.5 * Math.log(2)), 12);
  const one = prefixPurity(new Codes([0, 0], [1]), ["a", "a"]);
  expect(one.levels[0]!.normalizedMutualInformation).toBe(1);
});

test("rows that are all alone are pure and share nothing", () => {
  const level = prefixPurity(new Codes([0, 1, 2], [3]), ["a", "b", "a"]).levels[0]!;
  expect(level).toMatchObject({ purity: 1, sharedPurity: 0, sharedRows: 0, pairAgreement: 0 });
});

test("shares stay in 0..1, purity grows with the prefix, strings and numbers agree", () => {
  const row = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(3));
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 50 }), (rows) => {
      const codes = new Codes(
        rows.flatMap(([a, b]) => [a, b]),
        [3, 3],
      );
      const labels = rows.map((r) => r[2]);
      const found = prefixPurity(codes, Int32Array.from(labels));
      expect(prefixPurity(codes, labels.map(String))).toEqual(found);
      let previous = found.baseline;
      for (const level of found.levels) {
        expect(level.purity).toBeGreaterThanOrEqual(previous);
        previous = level.purity;
        for (const key of [
          "purity",
          "sharedPurity",
          "pairAgreement",
          "normalizedMutualInformation",
        ] as const) {
          expect(level[key]).toBeGreaterThanOrEqual(0);
          expect(level[key]).toBeLessThanOrEqual(1);
        }
      }
    }),
  );
});

test("labels must match rows, and there must be some", () => {
  expect(() => prefixPurity(new Codes([0, 1], [2]), ["a"])).toThrow(
    new ShapeError("1 labels for 2 rows of codes"),
  );
  expect(() => prefixPurity(new Codes([], [2]), [])).toThrow(ArgumentError);
});
