import { estimateDistances, estimateInnerProducts } from "@tessera/binary";
import {
  AbortedError,
  ArgumentError,
  Codes,
  matrix,
  NonFiniteError,
  ShapeError,
  sliceRows,
  TesseraError,
} from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { clusteredRows, fitted, reference, scanningBackends } from "../test/models.js";
import { expectNearest, rowOf } from "../test/nearest.js";
import { createIndex, exactSearch, type Metric, recallAt } from "./index.js";

const rows = clusteredRows(300, 8);
const queries = clusteredRows(5, 8, 2);
const backends = await scanningBackends();
afterAll(() => backends["on the CPU"]?.dispose());

const DECODED = [
  "vq16",
  "vq300",
  "rq3x8",
  "pq4x16",
  "pq2x32",
  "pq4x5",
  "opq4x16",
  "split2(rq2x4)",
  "vq8+pq4x4",
  "vq8+sq4",
  "sq8",
  "sq4",
  "sq2",
  "fp16",
  "fsq(8,8,8,5,5,5,4,3)",
  "vq8+fsq(4,4,4,4,4,4,4,4)",
  "split4(vq16,shared=true)",
  "pca4>pq2x16",
  "pca4(whiten=true)>pq2x16",
  "center>rotation>sq8",
  "normalize>pq4x16",
  "hadamard>sq4",
  "sq4(levels=lloydmax,scale=optimal)",
];

describe.each(Object.entries(backends))("a flat index, scanned %s,", (_, backend) => {
  it.each(DECODED)("of %s finds what brute force over decoded rows does", async (spec) => {
    const { model, codes } = await fitted(spec, rows);
    const decoded = await model.decode(codes, { backend: reference });
    const index = createIndex(model);
    expect([...(await index.add(codes, { backend }))]).toEqual([...Array(300).keys()]);
    for (const metric of ["l2", "ip", "cosine"] as const) {
      const found = await index.search(queries, { k: 7, metric, backend });
      expectNearest(found, decoded, queries, metric);
    }
    const many = await index.search(clusteredRows(90, 8, 5), { k: 3, backend });
    expectNearest(many, decoded, clusteredRows(90, 8, 5), "l2");
  });
});

describe.each(Object.entries(backends))("signs, scanned %s,", (_, backend) => {
  it.each(["sign", "itq6", "center>rotation>sign"])(
    "of %s are compared bit by bit",
    async (spec) => {
      const { model, codes } = await fitted(spec, rows);
      const index = createIndex(model);
      await index.add(codes, { backend });
      const found = await index.search(queries, { k: 20, backend });
      const own = await model.encode(queries, { backend: reference });
      for (let q = 0; q < queries.rows; q++) {
        const different = Array.from(
          { length: 300 },
          (__, i) => [...codes.row(i)].filter((bit, j) => bit !== own.row(q)[j]).length,
        );
        const order = [...different.keys()].sort((a, b) => different[a]! - different[b]! || a - b);
        expect([...found.ids.subarray(20 * q, 20 * q + 20)]).toEqual(order.slice(0, 20));
        expect(found.distances[20 * q]).toBe(different[order[0]!]);
      }
    },
  );

  it.each(["sign", "itq6", "vq8+sign"])(
    "of %s are compared with the query itself when asked to be",
    async (spec) => {
      const { model, codes } = await fitted(spec, rows);
      const index = createIndex(model, { symmetric: false });
      await index.add(codes, { backend });
      const decoded = await model.decode(codes, { backend: reference });
      for (const metric of ["l2", "ip", "cosine"] as const) {
        const found = await index.search(queries, { k: 7, metric, backend });
        expectNearest(found, decoded, queries, metric);
      }
    },
  );

  it.each([1, 2, 3, 4, 5])("of RaBitQ with %i bits are ranked by its estimates", async (bits) => {
    const { model, codes } = await fitted(`rabitq(bits=${bits})`, rows);
    const index = createIndex(model);
    await index.add(codes, { backend });
    for (const [metric, estimate] of [
      ["l2", estimateDistances],
      ["ip", estimateInnerProducts],
    ] as const) {
      const { estimates } = await estimate(model, queries, codes, { backend: reference });
      const found = await index.search(queries, { k: 9, metric, backend });
      for (let q = 0; q < queries.rows; q++) {
        const sign = metric === "ip" ? -1 : 1;
        const own = estimates.data.subarray(300 * q, 300 * q + 300).map((value) => sign * value);
        const least = own.toSorted();
        for (let place = 0; place < 9; place++) {
          expect(found.distances[9 * q + place]).toBeCloseTo(least[place]!, 3);
          expect(own[found.ids[9 * q + place]!]).toBeCloseTo(least[place]!, 3);
        }
      }
    }
    const decoded = await model.decode(codes, { backend: reference });
    const cosines = await index.search(queries, { k: 9, metric: "cosine", backend });
    expectNearest(cosines, decoded, queries, "cosine");
  });

  it("are compared in a model of signs alone", async () => {
    const { model } = await fitted("pq2x16", rows);
    expect(() => createIndex(model, { symmetric: true })).toThrow(ArgumentError);
    const levels = (await fitted("vq8+sign", rows)).model;
    expect(() => createIndex(levels, { symmetric: true, lists: true })).toThrow(ArgumentError);
  });
});

describe("bounds", () => {
  it("keep every row that may be among the nearest", async () => {
    const { model, codes } = await fitted("rabitq", rows);
    const index = createIndex(model);
    await index.add(codes, { backend: reference });
    const options = { k: 5, rescore: "bound", epsilon: 5, backend: reference } as const;
    const found = await index.search(queries, { ...options, exact: rows });
    // At five deviations next to no row is wrong to be left out.
    expectNearest(found, rows, queries, "l2");
    const part = await index.search(queries, { ...options, exact: rows, filter: [3, 5, 8] });
    expect([...part.ids.subarray(0, 3)].sort()).toEqual([3, 5, 8]);
  });

  it("are of models that have them, under distances and products", async () => {
    const { model, codes } = await fitted("pq2x16", rows);
    const index = createIndex(model);
    await index.add(codes);
    const options = { rescore: "bound", backend: reference } as const;
    await expect(index.search(queries, options)).rejects.toThrow(ArgumentError);
    const rabitq = createIndex((await fitted("rabitq", rows)).model);
    await expect(rabitq.search(queries, { ...options, metric: "cosine" })).rejects.toThrow(
      ArgumentError,
    );
  });
});

describe("re-scoring", () => {
  it("by the rows themselves finds what exact search does, given enough candidates", async () => {
    const { model, codes } = await fitted("pq2x16", rows);
    const index = createIndex(model);
    await index.add(codes);
    const backend = reference;
    for (const metric of ["l2", "ip", "cosine"] as const) {
      const truth = await exactSearch(rows, queries, { k: 4, metric, backend });
      expectNearest(truth, rows, queries, metric);
      const options = { k: 4, metric, rescore: 75, backend };
      const found = await index.search(queries, { ...options, exact: rows });
      expect(found.ids).toEqual(truth.ids);
      expect(recallAt(found, truth, 4)).toBe(1);
      const read = (ids: Float64Array) => matrix([...ids].map((id) => rowOf(rows, id)));
      expect(await index.search(queries, { ...options, exact: read })).toEqual(found);
    }
  });

  it("without rows ranks signs by what they decode to", async () => {
    const { model, codes } = await fitted("sign", rows);
    const index = createIndex(model);
    await index.add(codes);
    const found = await index.search(queries, { k: 5, rescore: 60, backend: reference });
    const decoded = await model.decode(codes, { backend: reference });
    expectNearest(found, decoded, queries, "l2");
  });
});

describe("what an index refuses", () => {
  it("names what is wrong", async () => {
    const { model, codes } = await fitted("rq2x8", rows);
    const index = createIndex(model);
    const backend = reference;
    await index.add(codes, { ids: Array.from({ length: 300 }, (_, i) => 2 * i) });
    const one = new Codes(codes.data.slice(0, 2), codes.cardinalities);
    await expect(index.add(one, { ids: [4] })).rejects.toThrow("id 4 is in the index already");
    await expect(index.add(one, { ids: [-1] })).rejects.toThrow(ArgumentError);
    await expect(index.add(one, { ids: [1, 2] })).rejects.toThrow(ShapeError);
    await expect(index.add(codes.prefix(1))).rejects.toThrow(ShapeError);
    await expect(index.add(clusteredRows(2, 5), { backend })).rejects.toThrow(ShapeError);
    expect(await index.add(one)).toEqual(Float64Array.of(599));
    await expect(index.add(one, { ids: [599] })).rejects.toThrow(ArgumentError);

    await expect(index.search(clusteredRows(1, 5), { backend })).rejects.toThrow(ShapeError);
    const bad = { ...queries, data: queries.data.with(9, Infinity) };
    await expect(index.search(bad, { backend })).rejects.toThrow("query row 1");
    await expect(index.search(bad, { backend })).rejects.toThrow(NonFiniteError);
    for (const options of [
      { k: 0 },
      { k: 5000 },
      { nprobe: 3 },
      { rescore: 0.5 },
      { exact: rows },
      { metric: "l1" as Metric },
      { rescore: 2, exact: sliceRows(rows, 0, 10) },
      { epsilon: -1 },
    ]) {
      await expect(index.search(queries, { ...options, backend })).rejects.toThrow(TesseraError);
    }
    expect(() => createIndex(model, { lists: true })).not.toThrow();
    const { model: plain } = await fitted("pq2x16", rows);
    expect(() => createIndex(plain, { lists: true })).toThrow("lists need a model");
  });

  it("stops when its signal fires", async () => {
    const { model, codes } = await fitted("pq2x16", rows);
    const index = createIndex(model);
    const signal = AbortSignal.abort();
    await expect(index.add(codes, { signal })).rejects.toThrow(AbortedError);
    await index.add(codes);
    const options = { signal, backend: reference };
    await expect(index.search(queries, options)).rejects.toThrow(AbortedError);
  });
});
