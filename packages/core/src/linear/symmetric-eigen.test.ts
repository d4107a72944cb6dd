import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AbortedError } from "../errors.js";
import { Random } from "../random.js";
import { symmetricEigen } from "./symmetric-eigen.js";

function symmetric(seed: number, n: number): Float64Array {
  const random = new Random(seed);
  const values = Float64Array.from({ length: n * n }, () => random.normal());
  return values.map((value, at) => value + values[(at % n) * n + Math.floor(at / n)]!);
}

/** a · bᵀ of square matrices. */
function timesTransposed(a: Float64Array, b: Float64Array, n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < n; k++) sum += a[Math.floor(at / n) * n + k]! * b[(at % n) * n + k]!;
    return sum;
  });
}

/** The largest element of |M·Mᵀ − I|. */
function orthonormalityError(m: Float64Array, n: number): number {
  const products = timesTransposed(m, m, n);
  return Math.max(...products.map((value, at) => Math.abs(value - (at % (n + 1) === 0 ? 1 : 0))));
}

/** The largest difference between two arrays of numbers. */
function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

describe("symmetricEigen", () => {
  it("solves a matrix of two by hand", async () => {
    const { values, vectors } = await symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect(difference(values, [3, 1])).toBeLessThan(1e-15);
    const half = Math.SQRT1_2;
    // The sign makes the first of the largest entries positive.
    expect(difference(vectors, [half, half, half, -half])).toBeLessThan(1e-15);
  });

  it("finds the known eigenvalues of the second difference", async () => {
    const n = 40;
    const a = Float64Array.from({ length: n * n }, (_, at) => {
      const apart = Math.abs(Math.floor(at / n) - (at % n));
      return apart === 0 ? 2 : apart === 1 ? -1 : 0;
    });
    const { values } = await symmetricEigen(a, n);
    const known = Array.from(
      { length: n },
      (_, k) => 2 - 2 * Math.cos(((n - k) * Math.PI) / (n + 1)),
    );
    expect(difference(values, known)).toBeLessThan(1e-13);
  });

  it("takes matrices that are empty, zero, diagonal, of rank one, or of huge and tiny values", async () => {
    expect((await symmetricEigen(new Float64Array(0), 0)).values.length).toBe(0);
    const zero = await symmetricEigen(new Float64Array(9), 3);
    expect([...zero.values, ...zero.vectors]).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const diagonal = await symmetricEigen(Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 2), 3);
    expect([...diagonal.values]).toEqual([3, 2, 1]);
    const ones = await symmetricEigen(new Float64Array(25).fill(1), 5);
    expect(difference(ones.values, [5, 0, 0, 0, 0])).toBeLessThan(1e-14);
    for (const scale of [1e-200, 1e200]) {
      const { values, vectors } = await symmetricEigen(
        symmetric(1, 6).map((value) => value * scale),
        6,
      );
      const { values: plain } = await symmetricEigen(symmetric(1, 6), 6);
      expect(
        difference(
          values.map((value) => value / scale),
          plain,
        ),
      ).toBeLessThan(1e-12);
      expect(orthonormalityError(vectors, 6)).toBeLessThan(1e-13);
    }
  });

  it("decomposes any symmetric matrix: orthonormal vectors, falling values, A·v = λ·v", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 24 }), async (seed, n) => {
        const a = symmetric(seed, n);
        const { values, vectors } = await symmetricEigen(a, n);
        expect(orthonormalityError(vectors, n)).toBeLessThan(1e-12);
        const image = timesTransposed(vectors, a, n);
        for (let i = 0; i < n; i++) {
          if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1]!);
          const vector = vectors.subarray(i * n, (i + 1) * n);
          const scaled = vector.map((value) => value * values[i]!);
          expect(difference(image.subarray(i * n, (i + 1) * n), scaled)).toBeLessThan(1e-12 * n);
          const largest = vector.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
          expect(largest).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    const solving = symmetricEigen(symmetric(2, 300), 300, controller.signal);
    controller.abort();
    await expect(solving).rejects.toThrow(AbortedError);
  });
});
