import fc from "fast-check";
import { expect, it } from "vitest";
import { formatIdList, parseIdList } from "./id-list.js";

it("any 64-bit integers come back from a list of ids", () => {
  fc.assert(
    fc.property(fc.bigInt64Array(), (ids) => {
      expect(parseIdList(formatIdList(ids))).toEqual(ids);
    }),
  );
});

it("writes numbers where they are exact, and texts elsewhere", () => {
  expect(formatIdList(BigInt64Array.of(7n, -1n, 2n ** 53n))).toBe('[7,-1,"9007199254740992"]\n');
});

it.each(["", "{}", "[1.5]", '["a"]', '["9223372036854775808"]', "[9007199254740993]", "[null]"])(
  "refuses %s",
  (text) => expect(() => parseIdList(text)).toThrow(/ids are not|not a 64-bit integer/),
);
