import { ArgumentError, Codes, matrix, Random, ShapeError } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { quantizers } from "../../test/quantizers.js";
import { readFaiss, UnsupportedError, writeFaiss, writeFaissFlat } from "../index.js";

const random = new Random(2);
const rows = matrix(
  Float32Array.from({ length: 80 * 8 }, () => random.normal()),
  8,
);

describe("a codebook that is no power of two", () => {
  it("is filled up with its first codeword, and codes stay", async () => {
    const model = await quantizers.fit("pq2x20", rows);
    const codes = await model.encode(rows);
    const found = readFaiss(writeFaiss(model, { codes }));
    expect(found.codes!.cardinalities).toEqual([32, 32]);
    expect(found.codes!.data).toEqual(codes.data);
    expect(await found.model!.decode(found.codes!)).toEqual(await model.decode(codes));
    expect((await found.model!.encode(rows)).data).toEqual(codes.data);
  });
});

describe("what faiss has no form for", () => {
  it.each([
    ["hadamard>sq4", "no transform that does as hadamard"],
    ["sq2", "no scalar quantizer that does as sq2"],
    ["sq4(levels=quantile)", "no scalar quantizer that does as sq4(levels=quantile)"],
    ["vq4(metric=cosine)", "no index for vq4(metric=cosine)"],
    ["split2(rq2x4)", "no index for split2(rq2x4)"],
    ["vq4+pq2x4+pq2x4", "no index for vq4+pq2x4+pq2x4"],
  ])("%s is refused", async (spec, message) => {
    const model = await quantizers.fit(spec, rows);
    expect(() => writeFaiss(model)).toThrow(UnsupportedError);
    expect(() => writeFaiss(model)).toThrow(message);
  });

  it("an inner product that it would rank wrongly is refused", async () => {
    const model = await quantizers.fit("vq4+sq8", rows);
    expect(() => writeFaiss(model, { metric: "ip" })).toThrow(UnsupportedError);
  });
});

describe("what does not fit the model", () => {
  it("is refused: codes, ids, metric, rows", async () => {
    const model = await quantizers.fit("pq2x4", rows);
    const codes = await model.encode(rows);
    const other = new Codes(codes.data, [4, 8]);
    expect(() => writeFaiss(model, { codes: other })).toThrow(ShapeError);
    expect(() => writeFaiss(model, { codes, ids: new BigInt64Array(3) })).toThrow(
      "there are 3 ids for 80 rows",
    );
    expect(() => writeFaiss(model, { metric: "cosine" as never })).toThrow(ArgumentError);
    const holes = { ...rows, data: rows.data.map((value, at) => (at === 17 ? Infinity : value)) };
    expect(() => writeFaissFlat(holes)).toThrow("row 2 has a value that is not finite");
  });
});
