import { ArgumentError, Codes, FormatError } from "@tessera/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { assignSemanticIds } from "./assign.js";
import { idsFromJson, idsToJson, readIds } from "./ids-json.js";
import { type Collisions, SemanticIds } from "./ids.js";
import { indexToJson } from "./index-json.js";

const codes = new Codes([12, 7, 200, 12, 7, 200, 3, 0, 1], [256, 256, 256]);
const items = ["10", "B0042", "2"];

const WRITTEN = `{
  "format": "tessera-ids",
  "version": 1,
  "spec": "rq3x256",
  "cardinalities": [256, 256, 256],
  "collisions": "rank-on-collision",
  "suffixCardinality": 2,
  "items": {
    "10": [12, 7, 200, 0],
    "B0042": [12, 7, 200, 1],
    "2": [3, 0, 1]
  }
}
`;

test("is readable: one item per line", () => {
  const ids = assignSemanticIds(codes, { collisions: "rank-on-collision" });
  expect(idsToJson({ items, ids, spec: "rq3x256" })).toBe(WRITTEN);
  expect(idsFromJson(WRITTEN)).toEqual({ items, ids, spec: "rq3x256" });
});

test("any items and IDs come back, in order, in any spacing", () => {
  const name = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.nat().map(String),
    fc.constantFrom("__proto__", "format", "items", "", '"\\', "\ud83d", "\u2028"),
  );
  const modes = fc.constantFrom<Collisions[]>("keep", "rank", "rank-on-collision");
  const spec = fc.option(fc.string(), { nil: undefined });
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 20 }),
      fc.infiniteStream(fc.nat(1)),
      modes,
      spec,
      (items, stream, collisions, spec) => {
        const codes = new Codes([...stream.take(items.length * 3)], [2, 300, 2 ** 24]);
        const ids = assignSemanticIds(codes, { collisions });
        const text = idsToJson({ items, ids, spec });
        const read = idsFromJson(text);
        expect(read).toEqual(spec === undefined ? { items, ids } : { items, ids, spec });
        expect(idsToJson(read)).toBe(text);
        expect(idsFromJson(`\ufeff${text.replaceAll(/\n */g, "\r\n\t")}`)).toEqual(read);
      },
    ),
  );
});

test("a suffix cardinality that is larger than needed stays", () => {
  const ids = new SemanticIds(codes, Int32Array.of(0, 1, 0), { suffixCardinality: 9 });
  expect(idsFromJson(idsToJson({ items, ids })).ids.suffixCardinality).toBe(9);
});

test("fields may come in any order", () => {
  const text =
    '{"items":{"x":[1]},"collisions":"keep","cardinalities":[2],"version":1,"format":"tessera-ids"}';
  expect(idsFromJson(text).items).toEqual(["x"]);
});

const file = (changes: Record<string, string | undefined>) => {
  const fields = {
    format: '"tessera-ids"',
    version: "1",
    cardinalities: "[4, 4]",
    collisions: '"rank"',
    suffixCardinality: "2",
    items: '{"x": [1, 2, 0], "y": [1, 2, 1]}',
    ...changes,
  };
  const written = Object.entries(fields).filter(([, value]) => value !== undefined);
  return `{${written.map(([key, value]) => `"${key}": ${value}`).join(", ")}}`;
};

test.each<[Record<string, string | undefined>, string]>([
  [{ format: '"other"' }, 'line 1, column 12: format is "other", not "tessera-ids"'],
  [{ format: undefined }, 'ids.json has no field "format"'],
  [{ version: "2" }, "format version 2; this build reads version 1"],
  [{ version: "1.0" }, "expected an integer of 0 or more"],
  [{ cardinalities: undefined }, 'no field "cardinalities"'],
  [{ cardinalities: "[4, 0]" }, "cardinality 0 must be from 1 to 2^24"],
  [{ cardinalities: "[4, 16777217]" }, "cardinality 16777217 must be"],
  [{ cardinalities: "[]" }, 'expected an integer of 0 or more, found "]'],
  [{ collisions: '"append"' }, 'collisions is "append"'],
  [{ collisions: '"keep"' }, 'collisions "keep" takes no suffixCardinality'],
  [{ suffixCardinality: undefined }, 'collisions "rank" needs a suffixCardinality'],
  [{ suffixCardinality: "1" }, 'item "y" has suffix 1, outside 0..0'],
  [{ items: undefined }, 'no field "items"'],
  [{ items: '{"x": [1, 4, 0]}' }, 'item "x" has code 4 at level 1, outside 0..3'],
  [{ items: '{"x": [1, 2]}' }, 'item "x" has 2 codes; expected 3'],
  [{ items: '{"x": [1, 2, 0, 0]}' }, 'item "x" has 4 codes; expected 3'],
  [{ items: '{"x": [1, 2, 0], "y": [1, 2, 0]}' }, 'item "y" has the same Semantic ID as item "x"'],
  [{ items: '{"x": [1, -2, 0]}' }, 'found "-2'],
  [{ items: '{"x": [01, 2, 0]}' }, "expected an integer"],
  [{ items: '{"x": [1e1, 2, 0]}' }, "expected an integer"],
  [{ items: `{"x": [${"9".repeat(400)}, 2, 0]}` }, "expected an integer"],
  [{ items: '{"x": [1, 2, 0], "x": [1, 2, 1]}' }, 'item "x" occurs twice'],
  [{ items: '[["x", 1]]' }, 'expected "{"'],
  [{ extra: "1" }, 'unknown field "extra"'],
  [{ spec: "null" }, "expected a string"],
])("a file with %j is refused", (changes, message) => {
  expect(() => idsFromJson(file(changes))).toThrow(FormatError);
  expect(() => idsFromJson(file(changes))).toThrow(message);
});

test("a file that is cut short anywhere, or goes on, is refused", () => {
  expect(idsFromJson(WRITTEN).items).toEqual(items);
  for (let length = 0; length < WRITTEN.length - 1; length++) {
    expect(() => idsFromJson(WRITTEN.slice(0, length))).toThrow(FormatError);
  }
  expect(() => idsFromJson(`${WRITTEN}{`)).toThrow("line 14, column 1: expected the end");
  expect(() => idsFromJson('{"version": 1, "version": 1}')).toThrow('field "version" occurs twice');
});

test("readIds tells the two formats apart", () => {
  const ids = assignSemanticIds(codes);
  expect(readIds(idsToJson({ items, ids }))).toEqual({ format: "tessera", items, ids });
  // An item may be called format.
  const named = ["format", "version", "items"];
  const index = readIds(indexToJson({ items: named, ids }));
  expect(index.format).toBe("index");
  expect(index.items).toEqual(named);
  expect(() => readIds("[]")).toThrow(FormatError);
});

test("an item can be written once", () => {
  const ids = assignSemanticIds(codes);
  expect(() => idsToJson({ items: ["a", "b", "a"], ids })).toThrow(ArgumentError);
});
