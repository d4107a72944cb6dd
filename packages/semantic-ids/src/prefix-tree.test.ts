import { ArgumentError, Codes } from "@tessera/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PrefixTree } from "./prefix-tree.js";

const codes = new Codes([1, 1, 0, 2, 1, 1, 1, 0, 2, 0, 0, 2], [3, 3]);

test("look-ups by hand", () => {
  const tree = new PrefixTree(codes);
  expect([...tree.childrenOf([])]).toEqual([0, 1, 2]);
  expect([...tree.childrenOf([1])]).toEqual([0, 1]);
  expect([...tree.childrenOf([1, 1])]).toEqual([]);
  expect([...tree.itemsUnder([1])]).toEqual([3, 0, 2]);
  expect([...tree.itemsUnder([0, 2])]).toEqual([1, 5]);
  expect([...tree.itemsUnder([])]).toEqual([1, 5, 3, 0, 2, 4]);
  expect(tree.count([1, 1])).toBe(2);
  expect(tree.has([])).toBe(true);
  expect(tree.has([2, 0])).toBe(true);
  for (const absent of [[0, 1], [3], [-1], [0.5], [2, 2]]) {
    expect(tree.has(absent)).toBe(false);
    expect(tree.count(absent)).toBe(0);
    expect([...tree.childrenOf(absent)]).toEqual([]);
  }
  expect(() => tree.has([1, 1, 1])).toThrow(
    new ArgumentError("prefix of 3 codes in a tree of 2 levels"),
  );
});

test("items are views of one array", () => {
  const tree = new PrefixTree(codes);
  expect(tree.itemsUnder([1]).buffer).toBe(tree.rows.buffer);
});

test("walk goes depth first, codes ascending, to any depth", () => {
  const tree = new PrefixTree(codes);
  const met = (maxDepth?: number) =>
    [...tree.walk({ maxDepth })].map(({ prefix, count }) => `${prefix.join(".")}:${count}`);
  expect(met()).toEqual(["0:2", "0.2:2", "1:3", "1.0:1", "1.1:2", "2:1", "2.0:1"]);
  expect(met(1)).toEqual(["0:2", "1:3", "2:1"]);
  expect(met(0)).toEqual([]);
});

test("a tree of nothing has a root", () => {
  const tree = new PrefixTree(new Codes([], [4, 4]));
  expect(tree.has([])).toBe(true);
  expect([...tree.childrenOf([])]).toEqual([]);
  expect([...tree.walk()]).toEqual([]);
});

test("agrees with filtering the rows, for every prefix that could be", () => {
  const row = fc.tuple(fc.nat(2), fc.nat(3), fc.nat(1));
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
      const tree = new PrefixTree(new Codes(rows.flat(), [3, 4, 2]));
      const walked = new Map([...tree.walk()].map((n) => [n.prefix.join(), [...n.items]]));
      const check = (prefix: number[]) => {
        const expected = rows.flatMap((r, i) => (prefix.every((c, j) => r[j] === c) ? [i] : []));
        const found = [...tree.itemsUnder(prefix)];
        expect(found.toSorted((a, b) => a - b)).toEqual(expected);
        expect(tree.has(prefix)).toBe(prefix.length === 0 || expected.length > 0);
        if (prefix.length > 0) expect(walked.get(prefix.join()) ?? []).toEqual(found);
        if (prefix.length === 3) return;
        const next = [...new Set(expected.map((i) => rows[i]![prefix.length]!))];
        expect([...tree.childrenOf(prefix)]).toEqual(next.sort((a, b) => a - b));
        for (let code = 0; code < 4; code++) check([...prefix, code]);
      };
      check([]);
    }),
    { numRuns: 40 },
  );
});
