import { ArgumentError, Codes, ShapeError } from "@tessera/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { assignSemanticIds } from "./assign.js";
import { SemanticIds } from "./ids.js";

/** Rows 0, 2 and 3 collide, and rows 1 and 5; row 4 is alone. */
const codes = new Codes([1, 1, 0, 2, 1, 1, 1, 1, 2, 0, 0, 2], [3, 3]);

/** Few values, so that many rows collide. */
const crowded = fc
  .array(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(1)), { maxLength: 60 })
  .map((rows) => new Codes(rows.flat(), [3, 3, 2]));

const allIds = (ids: SemanticIds) => Array.from({ length: ids.rows }, (_, i) => ids.id(i));

test("rank gives every item its rank among those that share its codes, by row", () => {
  const ids = assignSemanticIds(codes);
  expect(allIds(ids)).toEqual([
    [1, 1, 0],
    [0, 2, 0],
    [1, 1, 1],
    [1, 1, 2],
    [2, 0, 0],
    [0, 2, 1],
  ]);
  expect(ids.collisions).toBe("rank");
  expect(ids.suffixCardinality).toBe(3);
  expect(ids.tokens(3)).toEqual(["<a_1>", "<b_1>", "<c_2>"]);
});

test("rank-on-collision gives a suffix to all items that collide, and to no other", () => {
  const ids = assignSemanticIds(codes, { collisions: "rank-on-collision" });
  expect(allIds(ids)).toEqual([
    [1, 1, 0],
    [0, 2, 0],
    [1, 1, 1],
    [1, 1, 2],
    [2, 0],
    [0, 2, 1],
  ]);
  expect([...ids.suffixes!]).toEqual([0, 0, 1, 2, -1, 1]);
  // The matrix form keeps "none" apart from rank 0.
  expect([...ids.toCodes().row(4)]).toEqual([2, 0, 0]);
  expect([...ids.toCodes().row(0)]).toEqual([1, 1, 1]);
  expect(ids.toCodes().cardinalities).toEqual([3, 3, 4]);
});

test("keep leaves the codes as they are", () => {
  const ids = assignSemanticIds(codes, { collisions: "keep" });
  expect(ids.suffixes).toBeUndefined();
  expect(ids.suffixCardinality).toBe(0);
  expect(ids.toCodes()).toBe(codes);
  expect(ids.id(2)).toEqual([1, 1]);
});

test("the highest priority gets rank 0, equal ones go by row, infinities count", () => {
  const ids = assignSemanticIds(codes, { priority: [5, 1, 9, 5, 0, 1] });
  expect([...ids.suffixes!]).toEqual([1, 0, 0, 2, 0, 1]);
  const extreme = assignSemanticIds(codes, {
    priority: [-Infinity, 0, Infinity, Infinity, 0, Infinity],
  });
  expect([...extreme.suffixes!]).toEqual([2, 1, 0, 1, 0, 0]);
});

test("both rank modes make all IDs different, and none the start of another", () => {
  const modes = fc.constantFrom("rank" as const, "rank-on-collision" as const);
  fc.assert(
    fc.property(crowded, modes, (codes, collisions) => {
      const ids = assignSemanticIds(codes, { collisions });
      const texts = allIds(ids).map((id) => `${id.join(",")},`);
      expect(new Set(texts).size).toBe(codes.rows);
      for (const a of texts) {
        for (const b of texts) expect(a !== b && b.startsWith(a)).toBe(false);
      }
      const sizes = new Map<string, number>();
      for (let i = 0; i < codes.rows; i++) {
        const key = codes.row(i).join();
        sizes.set(key, (sizes.get(key) ?? 0) + 1);
      }
      const largest = Math.max(1, ...sizes.values());
      expect(ids.suffixCardinality).toBe(largest);
      // Rank r is given to as many items as there are groups of more than r.
      for (let rank = 0; rank < largest; rank++) {
        const smallest = collisions === "rank" ? 1 : 2;
        const groups = [...sizes.values()].filter((size) => size > rank && size >= smallest);
        expect(ids.suffixes!.filter((suffix) => suffix === rank).length).toBe(groups.length);
      }
    }),
  );
});

test("rank by row keeps published IDs when rows are appended", () => {
  fc.assert(
    fc.property(crowded, fc.nat(60), (codes, cut) => {
      const kept = Math.min(cut, codes.rows);
      const before = assignSemanticIds(
        new Codes(codes.data.slice(0, kept * codes.columns), codes.cardinalities),
      );
      expect(allIds(assignSemanticIds(codes)).slice(0, kept)).toEqual(allIds(before));
    }),
  );
});

test("no rows are fine", () => {
  const ids = assignSemanticIds(new Codes([], [4, 4]));
  expect(ids.rows).toBe(0);
  expect(ids.toCodes().cardinalities).toEqual([4, 4, 1]);
});

test("bad options are named", () => {
  const assign = (options: object) => () => assignSemanticIds(codes, options);
  expect(assign({ priority: [1] })).toThrow(new ShapeError("1 priorities for 6 rows of codes"));
  expect(assign({ priority: [1, 2, NaN, 4, 5, 6] })).toThrow("priority of row 2 is NaN");
  expect(assign({ collisions: "append" })).toThrow(ArgumentError);
});

test("IDs from elsewhere are checked", () => {
  const make =
    (suffixes: number[] | undefined, options = {}) =>
    () =>
      new SemanticIds(codes, suffixes && Int32Array.from(suffixes), options);
  expect(make([0, 0])).toThrow(ShapeError);
  expect(make([0, 0, 1, 1, 0, 1])).toThrow("row 3 has the same Semantic ID as row 2");
  expect(make([0, 0, 1, 2, -1, 1], { collisions: "rank" })).toThrow("row 4 has no suffix");
  expect(make([0, 0, 1, 2, 0, -1])).toThrow("row 4 has a suffix, but shares its codes with no");
  expect(make([0, 0, 1, -2, 0, 1])).toThrow("row 3 has suffix -2");
  expect(make([0, 0, 1, 2, 0, 1], { suffixCardinality: 2 })).toThrow("row 3 has suffix 2");
  expect(make(undefined, { collisions: "rank" })).toThrow("needs a suffix per row");
  expect(make([0, 0, 1, 2, 0, 1], { collisions: "keep" })).toThrow("takes no suffixes");
  expect(make([0, 0, 1, 2, 0, 1])().collisions).toBe("rank");
  expect(make([0, 0, 1, 2, -1, 1])().collisions).toBe("rank-on-collision");
  expect(() => assignSemanticIds(codes).id(6)).toThrow(ShapeError);
});
