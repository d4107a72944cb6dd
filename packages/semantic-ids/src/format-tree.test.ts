import { stripVTControlCharacters } from "node:util";
import { ArgumentError, Codes } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutToWidth, displayWidth, printable } from "./display-width.js";
import { formatTree, type TreeStyle } from "./format-tree.js";
import { PrefixTree } from "./prefix-tree.js";

const codes = new Codes(
  [0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 2, 0, 1, 1, 1, 1, 1, 1, 2, 0, 0, 0, 0, 2],
  [3, 3, 3],
);
const tree = new PrefixTree(codes);
const names = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"];
const labels = (row: number) => names[row]!;

describe("formatTree", () => {
  test("draws the largest branches first and joins what does not fork", () => {
    expect(formatTree(tree, { labels })).toBe(
      [
        "8 items · 6 distinct codes · 3 levels",
        "├─ a_0          5 ████████",
        "│  ├─ b_0      4 ████████",
        "│  │  ├─ c_1  2 share this code",
        "│  │  │  ├─ bee",
        "│  │  │  └─ cat",
        "│  │  ├─ c_0    ant",
        "│  │  └─ c_2    hen",
        "│  └─ b_2 c_0    dog",
        "├─ a_1 b_1 c_1  2 share this code",
        "│  ├─ eel",
        "│  └─ fox",
        "└─ a_2 b_0 c_0    gnu",
      ].join("\n"),
    );
  });

  test("draws with ASCII and row numbers, and says what it leaves out", () => {
    const crowd = new PrefixTree(new Codes([0, 0, 0, 0, 1, 1, 2, 3, 4], [5]));
    expect(formatTree(crowd, { unicode: false, maxChildren: 2, maxItems: 2 })).toBe(
      [
        "9 items, 5 distinct codes, 1 level",
        "|- a_0  4 share this code  rows 0, 1, ...",
        "|- a_1  2 share this code  rows 4, 5",
        "`- ... 3 more",
      ].join("\n"),
    );
    expect(formatTree(tree, { maxDepth: 1, maxChildren: 1, maxItems: 0 })).toBe(
      ["8 items · 6 distinct codes · 3 levels", "├─ a_0  5 ████████", "└─ … 2 more (3 items)"].join(
        "\n",
      ),
    );
  });

  test("shows one more rather than say that there is one more", () => {
    const drawn = formatTree(tree, { labels, maxDepth: 1, maxChildren: 2, maxItems: 4 });
    expect(drawn).not.toContain("more");
    expect(drawn).toContain("│  └─ dog");
    const fewer = formatTree(tree, { labels, maxDepth: 1, maxChildren: 2, maxItems: 3 });
    expect(fewer).toContain("│  └─ … 2 more");
  });

  test("colours whole pieces and leaves the text as it was", () => {
    const styles = new Set<TreeStyle>();
    const options = { labels, maxChildren: 1, width: 24 };
    const colored = formatTree(tree, {
      ...options,
      color: (text, style) => {
        styles.add(style);
        return `\u001b[1m${text}\u001b[0m`;
      },
    });
    expect(stripVTControlCharacters(colored)).toBe(formatTree(tree, options));
    expect([...styles].sort()).toEqual([
      "bar",
      "branch",
      "code",
      "collision",
      "count",
      "label",
      "more",
    ]);
  });

  test("labels cannot break lines or drive the terminal", () => {
    const hostile = formatTree(new PrefixTree(new Codes([0, 1], [2])), {
      labels: () => "red\u001b[31m\nnext\r\u202eline\u0007",
    });
    const lines = hostile.split("\n");
    expect(lines).toHaveLength(3);
    expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  });

  test("no line is wider than asked, whatever the labels", () => {
    const label = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: "grapheme" }),
      fc.constantFrom("日本語の商品名です", "👩‍👩‍👧‍👦🇩🇪👍🏽", "e\u0301\u0301x"),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.nat(3), label), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 20, max: 50 }),
        fc.boolean(),
        (rows, width, unicode) => {
          const tree = new PrefixTree(
            new Codes(
              rows.flatMap(([a, b]) => [a, b]),
              [4, 4],
            ),
          );
          const drawn = formatTree(tree, { labels: (row) => rows[row]![2], width, unicode });
          for (const line of drawn.split("\n"))
            expect(displayWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  test("an empty tree is a line", () => {
    expect(formatTree(new PrefixTree(new Codes([], [2])))).toBe(
      "0 items · 0 distinct codes · 1 level",
    );
  });

  test("numbers are checked", () => {
    expect(() => formatTree(tree, { width: 19 })).toThrow(
      new ArgumentError("width is 19; it must be an integer from 20"),
    );
    expect(() => formatTree(tree, { maxItems: -1 })).toThrow(ArgumentError);
    expect(() => formatTree(tree, { maxChildren: 1.5 })).toThrow(ArgumentError);
    expect(() => formatTree(tree, { maxDepth: 0 })).toThrow(ArgumentError);
  });
});

describe("display width", () => {
  test.each([
    ["plain", 5],
    ["naïve", 5],
    ["e\u0301", 1],
    ["日本", 4],
    ["한글", 4],
    ["ｶﾅ", 2],
    ["Ａ", 2],
    ["👍", 2],
    ["👍🏽", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["❤", 1],
    ["\u200b", 0],
    ["│█…", 3],
    ["", 0],
  ])("%j takes %i columns", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test("cuts between characters only", () => {
    expect(cutToWidth("hello", 5, "…")).toBe("hello");
    expect(cutToWidth("hello", 4, "…")).toBe("hel…");
    expect(cutToWidth("日本語", 4, "…")).toBe("日…");
    expect(cutToWidth("a👍🏽b", 3, "…")).toBe("a…");
    expect(cutToWidth("one two", 5, "…")).toBe("one…");
    expect(cutToWidth("hello", 2, "...")).toBe("");
  });

  test("printable text is one line", () => {
    expect(printable("  a\t\tb\u2028c\u0085d ")).toBe("a b c d");
  });
});
