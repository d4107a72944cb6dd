import { ArgumentError, FormatError } from "@tessera/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTokens, levelName, parseTokens } from "./tokens.js";

test("tokens read as in LC-Rec", () => {
  expect(formatTokens([12, 7, 200])).toBe("<a_12><b_7><c_200>");
  expect(parseTokens("<a_12><b_7><c_200>")).toEqual([12, 7, 200]);
});

test("levels beyond z are named as a spreadsheet names columns", () => {
  expect([0, 25, 26, 27, 51, 52, 701, 702].map(levelName)).toEqual([
    ..."az",
    "aa",
    "ab",
    "az",
    "ba",
    "zz",
    "aaa",
  ]);
  expect(() => levelName(-1)).toThrow(ArgumentError);
});

test("any codes come back, past z too", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** 24 - 1), { minLength: 1, maxLength: 90 }), (codes) => {
      expect(parseTokens(formatTokens(codes))).toEqual(codes);
    }),
  );
});

test.each([
  ["<a_1><c_2>", 'character 5 of "<a_1><c_2>": expected a token <b_N>'],
  ["<a_1> <b_2>", "character 5"],
  ["<a_1><b_2", 'character 5 of "<a_1><b_2": expected a token <b_N> with N from 0'],
  ["<a_01>", 'found "<a_01>"'],
  ["<a_-1>", "character 0"],
  ["<a_1.0>", "character 0"],
  ["<a_>", "character 0"],
  ["<a_16777216>", "2^24"],
  ["<a_123456789>", "character 0"],
  ["<A_1>", "character 0"],
  ["<b_1>", "expected a token <a_N>"],
  ["<a_1>\n", 'character 5 of "<a_1>\\n"'],
  ["", "an empty text is no Semantic ID"],
])("parsing %j names the place", (text, message) => {
  expect(() => parseTokens(text)).toThrow(FormatError);
  expect(() => parseTokens(text)).toThrow(message);
});

test("only codes can be written", () => {
  for (const code of [-1, 1.5, NaN, 2 ** 24]) {
    expect(() => formatTokens([0, code])).toThrow(`code ${code} of level b`);
  }
});
