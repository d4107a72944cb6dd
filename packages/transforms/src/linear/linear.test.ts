import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { expectNoLeaks, Random, ShapeError, symmetricEigen } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { difference, orthonormalityError } from "../../test/rows.js";
import { checkOrthonormal } from "./orthonormal.js";
import { procrustes } from "./polar.js";
import { randomOrthogonal } from "./random-orthogonal.js";
import { walshHadamard } from "./walsh-hadamard.js";

const backend = createReferenceBackend();
const seeds = fc.integer({ min: 0, max: 1e6 });
const sizes = fc.integer({ min: 1, max: 24 });

/** a · bᵀ of square matrices. */
function timesTransposed(a: ArrayLike<number>, b: ArrayLike<number>, n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[Math.floor(at / n) * n + k]! * b[(at % n) * n + k]!;
    return sum;
  });
}

function transposed(a: ArrayLike<number>, n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => a[(at % n) * n + Math.floor(at / n)]!);
}

function identity(n: number): Float32Array {
  return Float32Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
}

function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

describe("randomOrthogonal", () => {
  it("gives orthogonal matrices, the same for the same seed", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sizes, async (seed, n) => {
        const q = await randomOrthogonal(n, new Random(seed));
        expect(orthonormalityError(q, n)).toBeLessThan(1e-13);
        expect(await randomOrthogonal(n, new Random(seed))).toEqual(q);
      }),
    );
  });

  it("favours no direction: axes land in all sectors of the plane, with and without a reflection", async () => {
    const draws = 2000;
    const sectors = new Int32Array(8);
    let reflections = 0;
    for (let seed = 0; seed < draws; seed++) {
      const [a, b, c, d] = await randomOrthogonal(2, new Random(seed));
      sectors[Math.floor((Math.atan2(b!, a!) / (2 * Math.PI) + 0.5) * 8) % 8]!++;
      if (a! * d! - b! * c! < 0) reflections++;
    }
    // Five standard deviations of the counts of a fair draw.
    for (const count of sectors) expect(Math.abs(count - 250)).toBeLessThan(5 * 14.8);
    expect(Math.abs(reflections - draws / 2)).toBeLessThan(5 * 22.4);
  });

  it("has entries of mean 0 and variance 1/n", async () => {
    const n = 8;
    const sums = new Float64Array(n * n);
    const squares = new Float64Array(n * n);
    for (let seed = 0; seed < 1000; seed++) {
      const q = await randomOrthogonal(n, new Random(seed));
      q.forEach((value, i) => {
        sums[i]! += value / 1000;
        squares[i]! += (value * value) / 1000;
      });
    }
    expect(Math.max(...sums.map(Math.abs))).toBeLessThan(0.06);
    expect(difference(squares, new Float64Array(n * n).fill(1 / n))).toBeLessThan(0.03);
  });
});

describe("procrustes", () => {
  async function solve(m: Float32Array, n: number, previous = identity(n)): Promise<Float32Array> {
    return expectNoLeaks(backend, async () => {
      const inputs = [backend.tensor(m, [n, n]), backend.tensor(previous, [n, n])] as const;
      const rotation = await procrustes(backend, ...inputs);
      const values = await rotation.read();
      for (const tensor of [...inputs, rotation]) tensor.dispose();
      return values;
    });
  }

  it("finds the rotation that rows were turned by", async () => {
    const n = 12;
    const q = await randomOrthogonal(n, new Random(3));
    const x = gaussianMatrix(50, n, { seed: 4 }).data;
    // YᵀX, where Y = X·Qᵀ.
    const gram = Float64Array.from({ length: n * n }, (_, at) => {
      let sum = 0;
      for (let i = 0; i < 50; i++) sum += x[i * n + Math.floor(at / n)]! * x[i * n + (at % n)]!;
      return sum;
    });
    const m = Float32Array.from(timesTransposed(q, gram, n));
    const first = await solve(m, n);
    expect(difference(first, q)).toBeLessThan(0.01);
    // The pull of the previous rotation fades as it is taken for the next.
    expect(difference(await solve(m, n, first), q)).toBeLessThan(1e-4);
  });

  it("is the same at any scale of the matrix", async () => {
    const m = gaussianMatrix(6, 6, { seed: 5 }).data;
    const rotation = await solve(m, 6);
    for (const scale of [2 ** -120, 2 ** -40, 2 ** 60]) {
      const scaled = await solve(
        m.map((value) => scale * value),
        6,
      );
      expect(difference(scaled, rotation)).toBeLessThan(1e-5);
    }
  });

  it("is orthogonal within 1e-5 and reaches the sum of the singular values, for any matrix", async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        sizes,
        fc.double({ min: -20, max: 20, noNaN: true }),
        async (seed, n, power) => {
          const m = gaussianMatrix(n, n, { seed }).data.map((value) => value * 2 ** power);
          const previous = Float32Array.from(await randomOrthogonal(n, new Random(seed)));
          const rotation = await solve(m, n, previous);
          expect(orthonormalityError(rotation, n)).toBeLessThan(1e-5);
          const mt = transposed(m, n);
          const { values } = await symmetricEigen(timesTransposed(mt, mt, n), n);
          const most = values.reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
          expect(inner(rotation, m)).toBeGreaterThan(most * (1 - 1e-3));
          expect(inner(rotation, m)).toBeLessThan(most * (1 + 1e-5));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("keeps the previous rotation where the matrix says nothing", async () => {
    const previous = Float32Array.from(await randomOrthogonal(6, new Random(5)));
    expect(difference(await solve(new Float32Array(36), 6, previous), previous)).toBeLessThan(1e-6);
    const single = new Float32Array(36);
    single[0] = -7;
    const rotation = await solve(single, 6);
    expect(
      difference(
        rotation,
        identity(6).map((one, i) => (i === 0 ? -1 : one)),
      ),
    ).toBeLessThan(1e-5);
  });

  it("refuses matrices that are not square, or of two sizes", async () => {
    const x = backend.zeros([2, 3], "float32");
    const y = backend.zeros([2, 2], "float32");
    await expect(procrustes(backend, x, x)).rejects.toThrow(ShapeError);
    await expect(procrustes(backend, y, x)).rejects.toThrow(/\[2, 2\] and \[2, 3\]/);
    x.dispose();
    y.dispose();
  });
});

describe("walshHadamard", () => {
  it("multiplies by Hadamard's matrix", () => {
    const values = Float32Array.of(9, 1, 2, 3, 4, 9);
    walshHadamard(values, 1, 4);
    expect([...values]).toEqual([9, 5, -1, -2, 0, 9]);
  });

  it("is its own inverse and keeps norms", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 9 }), (seed, power) => {
        const before = gaussianMatrix(1, 2 ** power, { seed }).data;
        const values = before.slice();
        walshHadamard(values, 0, values.length);
        expect(inner(values, values)).toBeCloseTo(inner(before, before), 2);
        walshHadamard(values, 0, values.length);
        expect(difference(values, before)).toBeLessThan(1e-5);
      }),
    );
  });
});

describe("checkOrthonormal", () => {
  it("accepts orthonormal rows and no others", async () => {
    const data = Float32Array.from(await randomOrthogonal(8, new Random(6)));
    checkOrthonormal({ data: data.subarray(0, 24), rows: 3, cols: 8 }, "it");
    expect(() => checkOrthonormal({ data, rows: 16, cols: 4 }, "it")).toThrow(ShapeError);
    expect(() =>
      checkOrthonormal({ data: data.map((v) => 1.01 * v), rows: 8, cols: 8 }, "it"),
    ).toThrow("it are not orthonormal");
    data.copyWithin(8, 0, 8);
    expect(() => checkOrthonormal({ data, rows: 8, cols: 8 }, "it")).toThrow(ShapeError);
  });
});
