import { ArgumentError } from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { clusteredRows, fitted, reference, scanningBackends } from "../test/models.js";
import { expectNearest } from "../test/nearest.js";
import { createIndex, exactSearch, recallAt } from "./index.js";

const rows = clusteredRows(400, 8);
const queries = clusteredRows(6, 8, 2);
const backends = await scanningBackends();
afterAll(() => backends["on the CPU"]?.dispose());

const SPECS = [
  "vq12+pq4x16",
  "vq12+pq2x32",
  "vq12+sq8",
  "vq12+vq8",
  "rq3x16",
  "vq7+fp16",
  "vq12+sign",
  "rotation>vq9+pq4x16",
  "pca6>vq9+pq3x16",
  "center>vq9+sq4",
];

describe.each(Object.entries(backends))("lists, scanned %s,", (_, backend) => {
  it.each(SPECS)("of %s, all visited, give what brute force does", async (spec) => {
    const { model, codes } = await fitted(spec, rows);
    const decoded = await model.decode(codes, { backend: reference });
    const index = createIndex(model, { lists: true });
    await index.add(codes, { backend });
    for (const metric of ["l2", "ip", "cosine"] as const) {
      const found = await index.search(queries, { k: 7, metric, nprobe: 400, backend });
      expectNearest(found, decoded, queries, metric);
    }
    index.remove(new Set(Array.from({ length: 90 }, (__, i) => 3 * i)));
    const live = (id: number) => id % 3 > 0 || id >= 270;
    const found = await index.search(queries, { k: 7, nprobe: 400, backend });
    expectNearest(found, decoded, queries, "l2", live);
    const even = await index.search(queries, {
      k: 60,
      nprobe: 400,
      filter: (id) => id % 2 === 0,
      backend,
    });
    expectNearest(even, decoded, queries, "l2", (id) => id % 2 === 0 && live(id));
  });

  it.each([1, 3])("with RaBitQ of %i bits behind them agree with a flat index", async (bits) => {
    const { model, codes } = await fitted(`vq9+sign(bits=${bits},estimator=rabitq)`, rows);
    const index = createIndex(model, { lists: true });
    await index.add(codes, { backend });
    const exact = await exactSearch(rows, queries, { k: 10, backend: reference });
    for (const metric of ["l2", "ip"] as const) {
      const truth = await exactSearch(rows, queries, { k: 10, metric, backend: reference });
      const found = await index.search(queries, { k: 100, metric, nprobe: 9, backend });
      expect(recallAt({ ...found }, { ...truth }, 10)).toBeGreaterThan(0.3);
    }
    const options = { k: 10, nprobe: 9, rescore: "bound", epsilon: 5, exact: rows } as const;
    const found = await index.search(queries, { ...options, backend });
    expect(recallAt(found, exact, 10)).toBe(1);
  });

  it("visit the nearest lists alone", async () => {
    const { model, codes } = await fitted("vq12+pq4x16", rows);
    const decoded = await model.decode(codes, { backend: reference });
    const index = createIndex(model, { lists: true });
    await index.add(codes, { backend });
    expect(index.lists).toBe(12);
    const first = (await model.encode(queries, { backend: reference })).prefix(1);
    const found = await index.search(queries, { k: 400, nprobe: 1, backend });
    for (let q = 0; q < queries.rows; q++) {
      const own = found.ids.subarray(400 * q, 400 * q + 400).filter((id) => id >= 0);
      const members = [...Array(400).keys()].filter((i) => codes.row(i)[0] === first.row(q)[0]);
      expect([...own].sort((a, b) => a - b)).toEqual(members);
    }
    const share = await index.search(queries, { k: 5, backend });
    const all = await index.search(queries, { k: 5, nprobe: 12, backend });
    expectNearest(all, decoded, queries, "l2");
    expect(recallAt(share, all, 5)).toBeGreaterThan(0.8);
  });

  it("take rows after they were searched", async () => {
    const { model, codes } = await fitted("vq12+pq4x16", rows);
    const decoded = await model.decode(codes, { backend: reference });
    const index = createIndex(model, { lists: true });
    for (let start = 0; start < 400; start += 80) {
      const part = { ...rows, data: rows.data.subarray(8 * start, 8 * start + 640), rows: 80 };
      await index.add(part, { backend: reference });
      const found = await index.search(queries, { k: 4, nprobe: 12, backend });
      expectNearest(found, decoded, queries, "l2", (id) => id < start + 80);
    }
  });
});

describe("lists", () => {
  it("belong to models that begin with a vq", async () => {
    const { model } = await fitted("pq2x16", rows);
    expect(() => createIndex(model, { lists: true })).toThrow(ArgumentError);
  });
});
