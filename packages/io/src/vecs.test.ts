import { ArgumentError, FormatError, ShapeError } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBvecs, encodeFvecs, encodeIvecs } from "./vecs.js";
import { decodeVectors } from "./vectors.js";

describe("fvecs, ivecs and bvecs", () => {
  it("are laid out as the benchmarks publish them", () => {
    expect([...encodeFvecs(Float32Array.of(1, 2), 2)]).toEqual([
      2, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64,
    ]);
    expect([...encodeIvecs(Int32Array.of(-1, 5), 1)]).toEqual([
      1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 5, 0, 0, 0,
    ]);
    expect([...encodeBvecs(Uint8Array.of(7, 8, 9), 3)]).toEqual([3, 0, 0, 0, 7, 8, 9]);
  });

  it("give back what was written, also from bytes that are not aligned", async () => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 5 }),
      cols: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, fc.infiniteStream(fc.nat(255)), async ({ rows, cols }, stream) => {
        const values = [...stream.take(rows * cols)];
        const files = {
          fvecs: encodeFvecs(Float32Array.from(values), cols),
          ivecs: encodeIvecs(Int32Array.from(values), cols),
          bvecs: encodeBvecs(Uint8Array.from(values), cols),
        };
        for (const [extension, bytes] of Object.entries(files)) {
          const shifted = new Uint8Array(bytes.length + 1);
          shifted.set(bytes, 1);
          const read = await decodeVectors(shifted.subarray(1), `x.${extension}`);
          expect([read.rows, read.cols, [...read.data]]).toEqual([rows, cols, values]);
        }
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ["too short for a dimension", Uint8Array.of(1, 0), /2 bytes, too few/],
    ["of dimension 0", new Uint8Array(8), /have 0 values$/],
    ["of negative dimension", new Uint8Array(8).fill(255), /have -1 values$/],
    [
      "of a dimension beyond the file",
      Uint8Array.of(0, 0, 0, 127, 0, 0, 0, 0),
      /not whole vectors/,
    ],
    ["cut short", encodeFvecs(new Float32Array(6), 3).subarray(0, 30), /30 bytes are not whole/],
    [
      "of mixed dimensions",
      Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0),
      /row 1 says it has 2 values; row 0 has 1/,
    ],
  ])("are refused when %s", async (_, bytes, message) => {
    const reading = decodeVectors(bytes, "x.fvecs");
    await expect(reading).rejects.toThrow(FormatError);
    await expect(reading).rejects.toThrow(message);
  });

  it("are written of the right array in whole rows only", () => {
    expect(() => encodeFvecs(new Float32Array(5), 2)).toThrow(ShapeError);
    expect(() => encodeFvecs(new Float32Array(5), 0)).toThrow(ShapeError);
    expect(() => encodeFvecs(new Int32Array(4) as unknown as Float32Array, 2)).toThrow(
      ArgumentError,
    );
    expect(() => encodeIvecs(new Float32Array(4) as unknown as Int32Array, 2)).toThrow(
      ArgumentError,
    );
    expect(() => encodeBvecs(new Int8Array(4) as unknown as Uint8Array, 2)).toThrow(ArgumentError);
  });
});
