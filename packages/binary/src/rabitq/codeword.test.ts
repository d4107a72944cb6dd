import { gaussianMatrix } from "@tessera/backend-testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CodewordSearch } from "./codeword.js";

/** Codes of one row, and the cosine of its angle to the codeword, computed anew. */
function encode(row: ArrayLike<number>, bits: number) {
  const values = Float32Array.from(row);
  const codes = new Uint16Array(values.length);
  const found = new CodewordSearch(values.length, bits).encode(values, 0, codes, 0);
  return { ...found, codes: [...codes], expected: cosineTo(values, codes, bits) };
}

function cosineTo(row: ArrayLike<number>, codes: ArrayLike<number>, bits: number): number {
  let [dot, squares, norm] = [0, 0, 0];
  for (let j = 0; j < row.length; j++) {
    const value = codes[j]! - (2 ** bits - 1) / 2;
    dot += value * row[j]!;
    squares += value * value;
    norm += row[j]! * row[j]!;
  }
  return dot / Math.sqrt(squares * norm);
}

/** The paper's search: every factor at which a rounding changes, in order. */
function fullSearch(row: Float32Array, bits: number): number {
  const top = 2 ** (bits - 1) - 1;
  const values = row.map(Math.abs);
  const changes: { factor: number; j: number }[] = [];
  values.forEach((value, j) => {
    for (let level = 1; level <= top; level++) changes.push({ factor: level / value, j });
  });
  const grid = new Float64Array(row.length).fill(0.5);
  let dot = values.reduce((sum, value) => sum + value / 2, 0);
  let squares = row.length / 4;
  let best = dot / Math.sqrt(squares);
  for (const { j } of changes.toSorted((a, b) => a.factor - b.factor)) {
    squares += 2 * grid[j]! + 1;
    dot += values[j]!;
    grid[j]!++;
    best = Math.max(best, dot / Math.sqrt(squares));
  }
  return best / Math.hypot(...row);
}

describe("the codeword of a direction", () => {
  it("is its signs with 1 bit, a 0 counting as negative", () => {
    const { codes, squares, cosine } = encode([3, -1, 0, 2], 1);
    expect(codes).toEqual([1, 0, 0, 1]);
    expect(squares).toBe(14);
    expect(cosine).toBeCloseTo(6 / Math.sqrt(14 * 4), 12);
  });

  it("is found where the direction lies on the grid", () => {
    for (const bits of [2, 3, 5]) {
      const last = 2 ** bits - 1;
      const codes = [0, last, 2 ** (bits - 1), last, last - 1, 1];
      const row = codes.map((code) => 0.7 * (code - last / 2));
      expect(encode(row, bits).codes).toEqual(codes);
      expect(encode(row, bits).cosine).toBeCloseTo(1, 12);
    }
  });

  it("of a row of zeros has a cosine of 1 and valid codes", () => {
    for (const bits of [1, 4]) {
      const { codes, squares, cosine } = encode([0, 0, 0], bits);
      expect([squares, cosine]).toEqual([0, 1]);
      expect(codes.every((code) => code < 2 ** bits)).toBe(true);
    }
  });

  it("comes with its own cosine, codes within their bits, for any finite row", () => {
    const value = fc.float({ noNaN: true, min: -(2 ** 50), max: 2 ** 50 });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        (row, bits) => {
          const { codes, cosine, squares, expected } = encode(row, bits);
          expect(codes.every((code) => code >= 0 && code < 2 ** bits)).toBe(true);
          if (squares === 0) return;
          expect(cosine).toBeCloseTo(expected, 9);
          expect(cosine).toBeGreaterThan(0);
        },
      ),
    );
  });

  it("does not depend on the row's length, and turns its codes over with the row", () => {
    const row = gaussianMatrix(1, 30, { seed: 1 }).data;
    for (const bits of [1, 3, 8]) {
      const { codes } = encode(row, bits);
      expect(
        encode(
          row.map((value) => 8 * value),
          bits,
        ).codes,
      ).toEqual(codes);
      const last = 2 ** bits - 1;
      expect(
        encode(
          row.map((value) => -value),
          bits,
        ).codes,
      ).toEqual(codes.map((code) => last - code));
    }
  });

  it.each([
    [2, 16],
    [2, 256],
    [3, 64],
    [4, 64],
    [6, 64],
    [8, 32],
  ])("with %i bits in %i dimensions is nearly as close as the full search's", (bits, dimension) => {
    const rows = gaussianMatrix(20, dimension, { seed: 2 });
    let [found, best] = [0, 0];
    for (let i = 0; i < rows.rows; i++) {
      const row = rows.data.slice(i * dimension, (i + 1) * dimension);
      found += 1 - encode(row, bits).cosine ** 2;
      best += 1 - fullSearch(row, bits) ** 2;
    }
    expect(found / best).toBeLessThan(1.1);
    expect(found / best).toBeGreaterThan(1 - 1e-9);
  });
});
