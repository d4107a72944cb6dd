import { type Codes, codeColumns, Codes as CodeTable } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clusteredRows, fitted, reference } from "../test/models.js";
import { createIndex, type SearchIndex } from "./index.js";

const rows = clusteredRows(200, 6);
const queries = clusteredRows(4, 6, 2);
const specs = ["pq2x16", "rq2x8", "sq8", "sign", "rabitq", "vq8+pq3x4"] as const;
const models = new Map(
  await Promise.all(specs.map(async (spec) => [spec, await fitted(spec, rows)] as const)),
);
const anySpec = fc.constantFrom(...specs);
const anyLists = fc.boolean();

function open(spec: (typeof specs)[number], lists: boolean): SearchIndex {
  return createIndex(models.get(spec)!.model, { lists: lists && spec === "vq8+pq3x4" });
}

function part(codes: Codes, start: number, end: number): Codes {
  const own = new CodeTable(
    codes.data.subarray(start * codes.columns, end * codes.columns),
    codes.cardinalities,
  );
  return codeColumns(own, 0, codes.cardinalities);
}

const search = (index: SearchIndex, options = {}) =>
  index.search(queries, {
    k: 12,
    backend: reference,
    ...(index.lists > 0 && { nprobe: 8 }),
    ...options,
  });

describe("an index", () => {
  it("is the same however its rows are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        anySpec,
        anyLists,
        fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 5 }),
        async (spec, lists, cuts) => {
          const { codes } = models.get(spec)!;
          const whole = open(spec, lists);
          await whole.add(codes);
          const pieces = open(spec, lists);
          let start = 0;
          for (const end of [...cuts, 200].sort((a, b) => a - b)) {
            await pieces.add(part(codes, start, end));
            if (end % 2 === 0) await search(pieces);
            start = end;
          }
          expect(pieces.size).toBe(200);
          expect(await search(pieces)).toEqual(await search(whole));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("never finds what was removed, and finds among the rest what it would without", async () => {
    await fc.assert(
      fc.asyncProperty(
        anySpec,
        anyLists,
        fc.uniqueArray(fc.integer({ min: 0, max: 250 }), { maxLength: 120 }),
        async (spec, lists, removed) => {
          const { codes } = models.get(spec)!;
          const index = open(spec, lists);
          await index.add(codes);
          const there = removed.filter((id) => id < 200);
          expect(index.remove(removed)).toBe(there.length);
          expect(index.remove(removed)).toBe(0);
          expect(index.size).toBe(200 - there.length);
          const found = await search(index);
          const whole = open(spec, lists);
          await whole.add(codes);
          const gone = new Set(removed);
          expect(found).toEqual(await search(whole, { filter: (id: number) => !gone.has(id) }));
          for (const id of found.ids) expect(gone.has(id)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("searches a subset as an index of that subset does", async () => {
    await fc.assert(
      fc.asyncProperty(
        anySpec,
        anyLists,
        fc.uniqueArray(fc.integer({ min: 0, max: 199 }), { minLength: 1, maxLength: 60 }),
        async (spec, lists, chosen) => {
          const { codes } = models.get(spec)!;
          const ids = chosen.toSorted((a, b) => a - b);
          const whole = open(spec, lists);
          await whole.add(codes);
          const subset = open(spec, lists);
          for (const id of ids) await subset.add(part(codes, id, id + 1), { ids: [id] });
          const expected = await search(subset);
          expect(await search(whole, { filter: new Set(ids) })).toEqual(expected);
          expect(await search(whole, { filter: Int32Array.from(ids) })).toEqual(expected);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("does not see in a search what is added or removed meanwhile", async () => {
    for (const spec of specs) {
      const { codes } = models.get(spec)!;
      const index = open(spec, true);
      await index.add(part(codes, 0, 100));
      const before = await search(index);
      const running = search(index);
      const adding = index.add(part(codes, 100, 200));
      index.remove(Array.from({ length: 50 }, (_, i) => i));
      await adding;
      expect(await running).toEqual(before);
      expect(index.size).toBe(150);
    }
  });

  it("adds all or nothing", async () => {
    const { model } = models.get("pq2x16")!;
    const index = createIndex(model);
    const broken = {
      async *[Symbol.asyncIterator]() {
        yield rows;
        yield { ...rows, data: rows.data.with(7, Number.NaN) };
      },
    };
    await expect(index.add(broken, { backend: reference })).rejects.toThrow("row 201");
    expect(index.size).toBe(0);
    const empty = await search(index);
    expect([...new Set(empty.ids), ...new Set(empty.distances)]).toEqual([-1, Infinity]);
  });

  it("says how many bytes it takes", () => {
    expect(open("pq2x16", false).bytesPerVector).toBe(1);
    expect(open("sq8", false).bytesPerVector).toBe(6);
    expect(open("sign", false).bytesPerVector).toBe(1);
    expect(open("rq2x8", false).bytesPerVector).toBe(1 + 4);
  });
});
