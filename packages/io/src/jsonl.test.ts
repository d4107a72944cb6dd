import { ArgumentError, FormatError, NonFiniteError } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { memorySource, utf8 } from "../test/files.js";
import { readItemsFrom } from "./jsonl.js";
import { decodeVectors, type VectorOptions } from "./vectors.js";

const read = (text: string, options?: VectorOptions) =>
  decodeVectors(utf8(text), "x.jsonl", options);

describe("jsonl", () => {
  it.each<[string, string, VectorOptions]>([
    ["lists", "[1,2]\n[3,4]\n", {}],
    ["objects, by their first list of numbers", '{"t":["a"],"e":[],"v":[1,2]}\n{"v":[3,4]}', {}],
    [
      "objects, by the field that is named",
      '{"w":[9],"v":[1,2]}\n{"w":[9],"v":[3,4]}',
      { field: "v" },
    ],
    ["lists and objects in turn", '[1,2]\n\n{"v":[3,4]}\r\n', { field: "v" }],
  ])("reads %s", async (_, text, options) => {
    const { data, rows, cols, items } = await read(text, options);
    expect([rows, cols, [...data], items]).toEqual([2, 2, [1, 2, 3, 4], undefined]);
  });

  it("keeps the other fields on request", async () => {
    const text = '{"id":7,"v":[1],"title":"a"}\n{"id":8,"v":[2],"__proto__":{"x":1}}\n';
    const { items } = await read(text, { items: true });
    expect(JSON.stringify(items)).toBe('[{"id":7,"title":"a"},{"id":8,"__proto__":{"x":1}}]');
    expect(items![1]!["x"]).toBeUndefined();
    expect((await read("[1]\n[2]", { items: true })).items).toEqual([{}, {}]);
  });

  it.each<[string, string, VectorOptions, RegExp]>([
    ["nothing", "\n", {}, /has no rows/],
    ["broken JSON", "[1,2]\n[3,4\n", {}, /line 2 is not JSON: "\[3,4"/],
    ["a number alone", "[1]\n2\n", {}, /line 2 is neither a list nor an object/],
    ["null", "[1]\nnull\n", {}, /line 2 is neither/],
    ["a whole JSON document", "[[1,2],[3,4]]", {}, /line 1 holds a list of lists/],
    ["an empty vector", "[]\n", {}, /line 1 has an empty vector/],
    ["a ragged row", "[1,2]\n[3]\n", {}, /line 2 has 1 values; line 1 has 2/],
    ["a text among numbers", '[1,2]\n[3,"4"]\n', {}, /line 2, value 2 is "4", not a number/],
    ["null among numbers", "[1,2]\n[null,4]\n", {}, /line 2, value 1 is null/],
    ["no list of numbers", '{"a":"b"}\n', {}, /line 1 has no field that is a list of numbers/],
    ["an object after lists", '[1]\n{"v":[1]}\n', {}, /line 2 has no field/],
    ["a missing field", '{"v":[1]}\n{"w":[1]}\n', {}, /line 2 has no list in its field "v"/],
    ["an inherited field", '{"v":[1]}\n', { field: "constructor" }, /no list in its field/],
  ])("refuses %s, saying where", async (_, text, options, message) => {
    const reading = read(text, options);
    await expect(reading).rejects.toThrow(FormatError);
    await expect(reading).rejects.toThrow(message);
  });

  it("says what to do about NaN, which JSON does not have", async () => {
    await expect(read("[1]\n[NaN]\n")).rejects.toMatchObject({
      hint: expect.stringContaining("no NaN") as string,
    });
    await expect(read("[1]\n[1e999]\n")).rejects.toThrow(NonFiniteError);
  });

  it("refuses an empty field name", async () => {
    await expect(read("[1]\n", { field: "" })).rejects.toThrow(ArgumentError);
  });
});

describe("readItemsFrom", () => {
  it("reads objects, blank lines left out", async () => {
    const source = memorySource(utf8('{"id":"a"}\n\n{"id":"b"}\n'), "items.jsonl");
    expect(await readItemsFrom(source)).toEqual([{ id: "a" }, { id: "b" }]);
  });

  it("names the line that is no object", async () => {
    const source = memorySource(utf8('{"id":"a"}\n[1]\n'), "items.jsonl");
    await expect(readItemsFrom(source)).rejects.toThrow("items.jsonl line 2 is a list");
  });
});
