import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyseCodes, collisionGroups } from "./analyse.js";
import { assignSemanticIds } from "./assign.js";
import { indexFromJson, indexToJson } from "./index-json.js";
import { PrefixTree } from "./prefix-tree.js";
import { prefixPurity } from "./purity.js";

/** Real files, beside the repository; they are not part of it. */
const folder = new URL("../../../../shared/data/", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");
const lines = <T>(file: string) =>
  read(file)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
const absent = (file: string) => !existsSync(new URL(file, folder));

const INDUSTRIAL = "industrial/published.index.json";
const BEAUTY = "beauty/published.index.json";
const why = "(skipped where ../shared/data is absent)";

describe.skipIf(absent(INDUSTRIAL))(`the IDs that MiniOneRec published ${why}`, () => {
  test("are written back byte for byte", () => {
    expect(indexToJson(indexFromJson(read(INDUSTRIAL)))).toBe(read(INDUSTRIAL));
  });

  test("have the collisions and code usage that were measured elsewhere", () => {
    const { ids, items } = indexFromJson(read(INDUSTRIAL));
    const found = analyseCodes(ids.codes);
    expect(items.length).toBe(3686);
    expect((100 * found.collisionRate).toFixed(3)).toBe("0.434");
    expect(found.largestGroup).toBe(3);
    expect(found.collidingRows).toBe(31);
    expect(found.levels[0]!.usedCodes).toBe(48);
    expect(found.levels[0]!.perplexity).toBeCloseTo(40.7, 1);
    expect(collisionGroups(ids.codes)[0]!.rows.length).toBe(3);
  });

  test.skipIf(absent("industrial/test.jsonl"))(
    "name more than one item in 7 % of the test targets",
    () => {
      const { ids } = indexFromJson(read(INDUSTRIAL));
      const weights = new Float64Array(ids.rows);
      const targets = lines<{ target: number }>("industrial/test.jsonl");
      for (const { target } of targets) weights[target]!++;
      expect(targets.length).toBe(4533);
      expect(100 * analyseCodes(ids.codes, { weights }).collidingShare).toBeCloseTo(6.99, 2);
    },
  );

  test("become unique with a suffix, and their tree holds every item", () => {
    const ids = assignSemanticIds(indexFromJson(read(INDUSTRIAL)).ids.codes);
    const unique = ids.toCodes();
    expect(ids.suffixCardinality).toBe(3);
    expect(analyseCodes(unique).distinct).toBe(3686);
    const tree = new PrefixTree(unique);
    expect(tree.childrenOf([]).length).toBe(48);
    for (let row = 0; row < unique.rows; row++) {
      expect([...tree.itemsUnder(unique.row(row))]).toEqual([row]);
    }
  });

  test.skipIf(absent("industrial/items.jsonl"))("tell brands apart far better than chance", () => {
    const { ids } = indexFromJson(read(INDUSTRIAL));
    const brands = lines<{ brand: string }>("industrial/items.jsonl").map((item) => item.brand);
    const found = prefixPurity(ids.codes, brands);
    expect(found.levels[0]!.purity).toBeGreaterThan(3 * found.baseline);
    expect(found.levels[0]!.pairAgreement).toBeGreaterThan(10 * found.pairBaseline);
  });
});

describe.skipIf(absent(BEAUTY))(`the IDs that LETTER published ${why}`, () => {
  test("are written back byte for byte", () => {
    expect(indexToJson(indexFromJson(read(BEAUTY)))).toBe(read(BEAUTY));
  });

  test("have the collisions and code usage that were measured elsewhere", () => {
    const { ids } = indexFromJson(read(BEAUTY));
    const found = analyseCodes(ids.codes);
    expect(ids.codes.rows).toBe(12_101);
    expect(ids.levels).toBe(4);
    expect((100 * found.collisionRate).toFixed(3)).toBe("0.107");
    expect(found.largestGroup).toBe(3);
    expect(found.levels[0]!.usedCodes).toBe(197);
    expect(found.levels[0]!.perplexity).toBeCloseTo(82.7, 1);
  });

  test.skipIf(absent("beauty/sequences.jsonl"))("name more than one item in .21 % of tests", () => {
    const { ids } = indexFromJson(read(BEAUTY));
    const weights = new Float64Array(ids.rows);
    for (const { items } of lines<{ items: number[] }>("beauty/sequences.jsonl")) {
      weights[items.at(-1)!]!++;
    }
    expect(100 * analyseCodes(ids.codes, { weights }).collidingShare).toBeCloseTo(0.21, 2);
  });
});
