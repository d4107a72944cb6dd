import {
  AbortedError,
  ArgumentError,
  Codes,
  expectNoLeaks,
  FormatError,
  type Matrix,
  matrix,
  NonFiniteError,
  Random,
  type Rows,
  ShapeError,
  type SignSpec,
  sliceRows,
} from "@tessera/core";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { describe, expect, it } from "vitest";
import { type EstimateOptions, RabitqModel } from "../index.js";

const backend = createReferenceBackend();

function model(dimension: number, bits = 1): RabitqModel {
  const spec: SignSpec = { kind: "sign", ...(bits > 1 && { bits }), estimator: "rabitq" };
  return new RabitqModel(spec, dimension);
}

/** A row and a query at a given angle, turned by many random rotations: only the plane of the two matters. */
function turned(count: number, dimension: number, cosine: number, lengths: [number, number]) {
  const random = new Random(7);
  const rows = new Float32Array(count * dimension);
  const queries = new Float32Array(count * dimension);
  for (let i = 0; i < count; i++) {
    const u = unit(Float64Array.from({ length: dimension }, () => random.normal()));
    const w = Float64Array.from({ length: dimension }, () => random.normal());
    const along = w.reduce((sum, value, j) => sum + value * u[j]!, 0);
    const v = unit(w.map((value, j) => value - along * u[j]!));
    const sine = Math.sqrt(1 - cosine * cosine);
    for (let j = 0; j < dimension; j++) {
      rows[i * dimension + j] = lengths[0] * u[j]!;
      queries[i * dimension + j] = lengths[1] * (cosine * u[j]! + sine * v[j]!);
    }
  }
  return { rows: matrix(rows, dimension), queries: matrix(queries, dimension) };
}

function unit(vector: Float64Array): Float64Array {
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

/** Errors of the estimates of ⟨row i, query i⟩, whose true value is the same for all, and their bounds. */
async function errorsOf(
  bits: number,
  dimension: number,
  cosine: number,
  options: EstimateOptions = {},
) {
  const count = 300;
  const { rows, queries } = turned(count, dimension, cosine, [3, 2]);
  const leaf = model(dimension, bits);
  const codes = await leaf.encode(rows);
  const { estimates, bounds } = await leaf.estimate(queries, codes, { backend, ...options });
  const diagonal = (of: Matrix) => Array.from({ length: count }, (_, i) => of.data[i * count + i]!);
  return {
    errors: diagonal(estimates).map((estimate) => estimate - 6 * cosine),
    bounds: diagonal(bounds),
  };
}

function statistics(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance), error: Math.sqrt(variance / values.length) };
}

describe("RabitqModel", () => {
  it("keeps codes, norm and cosine of a row, by hand", async () => {
    const leaf = model(4);
    const codes = await leaf.encode(matrix([[3, -1, 0, 2]]));
    expect(codes.cardinalities).toEqual([2, 2, 2, 2, ...Array.from({ length: 8 }, () => 256)]);
    expect([...codes.data.subarray(0, 4)]).toEqual([1, 0, 0, 1]);
    const { norms, cosines } = leaf.factors(codes);
    const cosine = 6 / Math.sqrt(14 * 4);
    expect(norms[0]).toBeCloseTo(Math.sqrt(14), 6);
    expect(cosines[0]).toBeCloseTo(cosine, 6);
    // The nearest multiple of (½, −½, −½, ½) is ⟨row, codeword⟩ / ‖codeword‖² = 3 times it.
    expect([...(await leaf.decode(codes)).data].map((v) => Math.round(v * 1e5) / 1e5)).toEqual([
      1.5, -1.5, -1.5, 1.5,
    ]);
    // ‖o‖·⟨y, q⟩ / cos for y = (½, −½, −½, ½).
    const { estimates, bounds } = await leaf.estimate(matrix([[1, 0, 2, 4]]), codes, { backend });
    expect(estimates.data[0]).toBeCloseTo((Math.sqrt(14) * 1.5) / cosine, 4);
    expect(bounds.data[0]).toBeCloseTo(
      (1.9 * Math.sqrt(14) * Math.sqrt(21) * Math.sqrt(1 - cosine ** 2)) / cosine / Math.sqrt(3),
      4,
    );
    // Packed, the bits come first, then the floats.
    expect(codes.pack().length).toBe(Math.ceil((4 + 64) / 8));
  });

  it("is exact where a row lies on the grid, and for a row of zeros", async () => {
    const leaf = model(3, 2);
    const rows = matrix([
      [1.5, -0.5, -1.5],
      [0, 0, 0],
    ]);
    const codes = await leaf.encode(rows);
    const { estimates, bounds } = await leaf.estimate(matrix([[1, 2, 3]]), codes, { backend });
    expect(estimates.data[0]).toBeCloseTo(-4, 5);
    expect(bounds.data[0]).toBeLessThan(1e-2);
    expect([estimates.data[1]!, bounds.data[1]!].map(Math.abs)).toEqual([0, 0]);
    expect([...(await leaf.decode(codes)).data.subarray(3)].map(Math.abs)).toEqual([0, 0, 0]);
  });

  it.each([1, 2, 4, 8])("has no bias over random rotations with %i bits", async (bits) => {
    for (const options of [{}, { queryBits: 8 }, { queryBits: 4, seed: 1 }] as const) {
      const { errors } = await errorsOf(bits, 48, 0.6, options);
      const { mean, error } = statistics(errors);
      expect(Math.abs(mean)).toBeLessThan(4 * error);
    }
  });

  it("holds its bounds at the stated rate, for rounded queries too", async () => {
    for (const bits of [1, 3]) {
      for (const queryBits of [undefined, 4] as const) {
        // Where row and query are orthogonal, the bound is as tight as it gets.
        const { errors, bounds } = await errorsOf(bits, 64, 0, { epsilon: 1, queryBits });
        for (const [epsilon, outside] of [
          [1, 0.317],
          [1.9, 0.057],
          [3, 0.0027],
        ] as const) {
          const missed = errors.filter((error, i) => Math.abs(error) > epsilon * bounds[i]!).length;
          const expected = outside * errors.length;
          expect(missed).toBeLessThan(expected + 4 * Math.sqrt(expected) + 1);
          if (epsilon === 1 && !queryBits) expect(missed).toBeGreaterThan(expected / 2);
        }
      }
    }
  });

  it("errs less with every bit, and its bounds say so", async () => {
    let last = { deviation: Infinity, bound: Infinity };
    for (let bits = 1; bits <= 9; bits++) {
      const { errors, bounds } = await errorsOf(bits, 32, 0.3);
      const now = { deviation: statistics(errors).deviation, bound: statistics(bounds).mean };
      expect(now.deviation).toBeLessThan(0.75 * last.deviation);
      expect(now.bound).toBeLessThan(0.75 * last.bound);
      last = now;
    }
  });

  it("rounds queries by the seed", async () => {
    const leaf = model(16);
    const codes = await leaf.encode(gaussianMatrix(3, 16, { seed: 1 }));
    const queries = gaussianMatrix(2, 16, { seed: 2 });
    const estimate = async (options: EstimateOptions) =>
      (await leaf.estimate(queries, codes, { backend, ...options })).estimates.data;
    expect(await estimate({ queryBits: 4, seed: 3 })).toEqual(
      await estimate({ queryBits: 4, seed: 3 }),
    );
    expect(await estimate({ queryBits: 4, seed: 4 })).not.toEqual(
      await estimate({ queryBits: 4, seed: 3 }),
    );
    const same = matrix([Array.from({ length: 16 }, () => 0.5)]);
    const rounded = await leaf.estimate(same, codes, { backend, queryBits: 4 });
    expect(rounded).toEqual(await leaf.estimate(same, codes, { backend }));
  });

  it("encodes a stream as the matrix of its rows, and no rows as no codes", async () => {
    const leaf = model(5, 3);
    const rows = gaussianMatrix(40, 5, { seed: 3 });
    const stream: Rows = {
      async *[Symbol.asyncIterator]() {
        for (let start = 0; start < 40; start += 7) {
          yield sliceRows(rows, start, Math.min(40, start + 7));
        }
      },
    };
    expect(await leaf.encode(stream)).toEqual(await leaf.encode(rows));
    const none = { data: new Float32Array(0), rows: 0, cols: 5 };
    const codes = await leaf.encode(none);
    expect(codes.rows).toBe(0);
    await expectNoLeaks(backend, async () => {
      const { estimates } = await leaf.estimate(sliceRows(rows, 0, 2), codes, { backend });
      expect([estimates.rows, estimates.cols]).toEqual([2, 0]);
    });
  });

  it("refuses codes whose factors no row can have", async () => {
    const leaf = model(2);
    const withFactors = (norm: number, cosine: number) => {
      const bytes = new Uint8Array(Float32Array.of(norm, cosine).buffer);
      return new Codes([1, 0, ...bytes], leaf.cardinalities);
    };
    expect(leaf.factors(withFactors(2, 0.5)).norms[0]).toBe(2);
    for (const [norm, cosine] of [
      [Number.NaN, 0.5],
      [Infinity, 0.5],
      [-1, 0.5],
      [1, 0],
      [1, 1.5],
      [1, Number.NaN],
    ] as const) {
      const codes = withFactors(norm, cosine);
      await expect(leaf.decode(codes)).rejects.toThrow(FormatError);
      await expect(leaf.estimate(matrix([[1, 2]]), codes, { backend })).rejects.toThrow(/row 0/);
    }
  });

  it("says what is wrong with rows, queries and options", async () => {
    const leaf = model(2);
    const codes = await leaf.encode(matrix([[1, 2]]));
    const query = matrix([[1, 2]]);
    await expect(leaf.encode(matrix([[1]]))).rejects.toThrow(ShapeError);
    const rows = matrix([
      [1, 2],
      [3, Number.NaN],
    ]);
    await expect(leaf.encode(rows)).rejects.toMatchObject({ row: 1 });
    await expect(leaf.encode(matrix([[1e30, 1]]))).rejects.toThrow(NonFiniteError);
    await expect(leaf.decode(new Codes([1, 1], [2, 2]))).rejects.toThrow(ShapeError);
    await expect(leaf.estimate(rows, codes, { backend })).rejects.toThrow(/query row 1/);
    await expect(leaf.estimate(matrix([[1]]), codes, { backend })).rejects.toThrow(ShapeError);
    const wrong = (options: object) => leaf.estimate(query, codes, { backend, ...options });
    await expect(wrong({ epsilon: 0 })).rejects.toThrow(ArgumentError);
    await expect(wrong({ epsilon: Number.NaN })).rejects.toThrow(/epsilon is NaN/);
    await expect(wrong({ queryBits: 3 })).rejects.toThrow(/queryBits is 3/);
    await expect(wrong({ signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    expect(() => new RabitqModel({ kind: "sign" }, 2)).toThrow(/estimator=rabitq/);
    expect(() => model(0)).toThrow(/dimension is 0/);
    expect(() => model(2 ** 17)).toThrow(ArgumentError);
  });
});
