import { matrix } from "@tessera/core";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { describe, expect, it } from "vitest";
import golden from "../../test/golden.json" with { type: "json" };
import { fsqDigits, fsqIndices, FsqModel, lfqBits, lfqIndices } from "../index.js";

const backend = createReferenceBackend();

describe("what vector-quantize-pytorch makes of the same rows", () => {
  it.each(golden.fsq)("FSQ of $levels", async ({ levels, rows, indices, digits, values }) => {
    const model = new FsqModel({ kind: "fsq", levels, scale: "none" });
    const codes = await model.encode(matrix(rows), { backend });
    expect([...codes.data]).toEqual(digits.flat());
    expect([...fsqIndices(codes, levels)]).toEqual(indices);
    expect(fsqDigits(indices, levels).data).toEqual(codes.data);
    expect(await model.decode(codes)).toEqual(matrix(values));
  });

  it.each(golden.lfq)("LFQ of $dimension bits", async ({ dimension, rows, indices, values }) => {
    const levels = Array.from({ length: dimension }, () => 2);
    const model = new FsqModel({ kind: "fsq", levels, scale: "none" });
    const codes = await model.encode(matrix(rows), { backend });
    expect([...lfqIndices(codes)]).toEqual(indices);
    expect(lfqBits(indices, dimension).data).toEqual(codes.data);
    expect(await model.decode(codes)).toEqual(matrix(values));
  });
});
