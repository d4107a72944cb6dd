import { evaluate, matrix } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backend, matrices, normalRows, roundTrip } from "../test/rows.js";
import { fitScalar, type FitScalarOptions } from "./index.js";

describe("uniform levels", () => {
  it("are off by at most half a step within the range, and end at its ends", async () => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.constantFrom(1, 2, 4, 6, 8), async (rows, bits) => {
        const model = await fitScalar(rows, { bits });
        const decoded = await roundTrip(model, rows);
        const { step } = model.state().tensors;
        rows.data.forEach((value, i) => {
          const half = 0.5 * (step!.data[i % rows.cols] as number);
          const error = Math.abs(decoded.data[i]! - value);
          expect(error).toBeLessThanOrEqual(half * 1.001 + 2 ** -22 * Math.abs(value));
        });
      }),
      { numRuns: 40 },
    );
    const ends = await fitScalar(matrix([[-2], [1], [6]]), { bits: 2 });
    expect([...(await roundTrip(ends, matrix([[-2], [0.6], [6], [-99], [99]]))).data]).toEqual([
      -2, 0.6666667461395264, 6, -2, 6,
    ]);
  });

  it("decode to a constant where a column is one", async () => {
    const model = await fitScalar(matrix([[0.1], [0.1]]), { bits: 8 });
    expect([...(await roundTrip(model, matrix([[0.1], [5]]))).data]).toEqual([
      Math.fround(0.1),
      Math.fround(0.1),
    ]);
  });

  it("have the least error with range=optimal, and cut off outliers with it, meanstd and quantile", async () => {
    const rows = normalRows(6, 4000, 2);
    rows.data[77] = 40;
    rows.data[402] = -40;
    const distortion = async (bits: number, range: FitScalarOptions["range"]) =>
      (await evaluate(await fitScalar(rows, { bits, range }), rows, { backend })).distortion;
    for (const bits of [2, 4]) {
      const optimal = await distortion(bits, "optimal");
      for (const range of ["meanstd", "quantile"] as const) {
        expect(optimal).toBeLessThan(1.001 * (await distortion(bits, range)));
        expect(await distortion(bits, range)).toBeLessThan(await distortion(bits, "minmax"));
      }
    }
  });

  it("with range=optimal never have more error than with minmax", async () => {
    await fc.assert(
      fc.asyncProperty(matrices, fc.constantFrom(1, 2, 4, 8), async (rows, bits) => {
        const squared = async (range: FitScalarOptions["range"]) => {
          const decoded = await roundTrip(await fitScalar(rows, { bits, range }), rows);
          return rows.data.reduce((sum, value, i) => sum + (value - decoded.data[i]!) ** 2, 0);
        };
        const slack = rows.data.reduce((sum, value) => sum + (2 ** -22 * value) ** 2, 0);
        expect(await squared("optimal")).toBeLessThanOrEqual(
          1.001 * (await squared("minmax")) + slack,
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe("quantile levels", () => {
  it("are used equally often", async () => {
    const rows = normalRows(7, 1600, 1);
    const model = await fitScalar(rows, { bits: 4, levels: "quantile" });
    const counts = new Uint32Array(16);
    for (const code of (await model.encode(rows, { backend })).data) counts[code]!++;
    expect(counts).toEqual(new Uint32Array(16).fill(100));
  });
});

describe("Lloyd–Max levels", () => {
  // Max 1960, table I: mean squared error of a standard normal value.
  it.each([
    [1, 0.3634],
    [2, 0.1175],
    [4, 0.009497],
  ])("of %d bits have the known error on normal data", async (bits, expected) => {
    const rows = normalRows(8, 20_000, 1);
    const model = await fitScalar(rows, { bits, levels: "lloydmax" });
    const { relativeDistortion } = await evaluate(model, rows, { backend });
    expect(relativeDistortion / expected).toBeGreaterThan(0.97);
    expect(relativeDistortion / expected).toBeLessThan(1.03);
  });

  it("with a scale for each row: optimal has less error, unbiased the right inner product", async () => {
    const rows = normalRows(9, 400, 64);
    for (let i = 0; i < rows.data.length; i++) rows.data[i]! *= 1 + (i >> 6);
    const errorOf = async (scale: "optimal" | "unbiased") => {
      const model = await fitScalar(rows, { bits: 2, levels: "lloydmax", scale });
      const decoded = await roundTrip(model, rows);
      let [error, inner] = [0, 0];
      for (let i = 0; i < rows.rows; i++) {
        const r = rows.data.subarray(i * 64, (i + 1) * 64);
        const q = decoded.data.subarray(i * 64, (i + 1) * 64);
        const square = r.reduce((sum, value) => sum + value * value, 0);
        error += r.reduce((sum, value, j) => sum + (value - q[j]!) ** 2, 0) / square;
        inner += r.reduce((sum, value, j) => sum + value * q[j]!, 0) / square;
      }
      return { error: error / rows.rows, inner: inner / rows.rows };
    };
    const [optimal, unbiased] = [await errorOf("optimal"), await errorOf("unbiased")];
    expect(optimal.error).toBeLessThan(unbiased.error);
    expect(optimal.error).toBeLessThan(0.125);
    expect(unbiased.inner).toBeCloseTo(1, 3);
    expect(optimal.inner).toBeLessThan(0.9);
  });

  it("with a scale keep a row of zeros", async () => {
    const rows = matrix([
      [0, 0],
      [3, 4],
    ]);
    for (const scale of ["optimal", "unbiased"] as const) {
      const model = await fitScalar(rows, { bits: 4, levels: "lloydmax", scale });
      const decoded = await roundTrip(model, rows);
      expect(decoded.data.subarray(0, 2).every((value) => value === 0)).toBe(true);
      expect(decoded.data[2]).toBeCloseTo(3, 0);
    }
  });
});

describe("floats of 16 bits", () => {
  it("keep what they can hold, round the rest, and stay finite", async () => {
    const rows = matrix([[1, -0.5, 1 + 2 ** -12, 1e5, -1e5, 3.4e38]]);
    const half = await roundTrip(await fitScalar(rows, { levels: "fp16" }), rows);
    expect([...half.data]).toEqual([1, -0.5, 1, 65504, -65504, 65504]);
    const brain = await roundTrip(await fitScalar(rows, { levels: "bf16" }), rows);
    expect(brain.data[5]).toBeCloseTo(3.39e38, -36);
    const { packedBytes } = await (await fitScalar(rows, { levels: "fp16" })).encode(rows);
    expect(packedBytes).toBe(12);
  });
});
