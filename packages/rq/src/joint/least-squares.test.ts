import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { Codes, completeBackend, expectNoLeaks, type Matrix, Random } from "@tessera/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastSquares } from "./least-squares.js";

const backend = completeBackend(createReferenceBackend());

/** Which codeword of all levels' has which share in each row: B `[n, unknowns]`. */
function design(codes: Codes, sizes: readonly number[], scales?: readonly number[]): number[][] {
  const unknowns = scales ? sizes[0]! : sizes.reduce((sum, size) => sum + size, 0);
  return Array.from({ length: codes.rows }, (_, i) => {
    const row = Array.from({ length: unknowns }, () => 0);
    let start = 0;
    sizes.forEach((size, l) => {
      const at = (scales ? 0 : start) + codes.row(i)[l]!;
      row[at] = row[at]! + (scales?.[l] ?? 1);
      start += size;
    });
    return row;
  });
}

/** Solves (BᵀB + λI)·(C − C₀) = Bᵀ(X − B·C₀) by Gauss's elimination in float64; one column after another. */
function referenceSolution(b: number[][], x: Matrix, start: number[][], ridge: number): number[][] {
  const size = start.length;
  const left = Array.from({ length: x.rows }, (_, i) =>
    Array.from(
      { length: x.cols },
      (_, j) => x.data[i * x.cols + j]! - b[i]!.reduce((sum, v, k) => sum + v * start[k]![j]!, 0),
    ),
  );
  const rows = Array.from({ length: size }, (_, k) => [
    ...Array.from({ length: size }, (_, m) =>
      b.reduce((sum, row) => sum + row[k]! * row[m]!, k === m ? ridge : 0),
    ),
    ...Array.from({ length: x.cols }, (_, j) =>
      b.reduce((sum, row, i) => sum + row[k]! * left[i]![j]!, 0),
    ),
  ]);
  // Symmetric and positive definite: no pivoting.
  rows.forEach((pivot, k) => {
    rows.forEach((row, m) => {
      if (m === k) return;
      const factor = row[k]! / pivot[k]!;
      for (let j = k; j < row.length; j++) row[j]! -= factor * pivot[j]!;
    });
  });
  return rows.map((row, k) => start[k]!.map((value, j) => value + row[size + j]! / row[k]!));
}

function objective(
  b: number[][],
  x: Matrix,
  codewords: number[][],
  start: number[][],
  ridge: number,
): number {
  let sum = 0;
  b.forEach((row, i) => {
    for (let j = 0; j < x.cols; j++) {
      const decoded = row.reduce((total, v, k) => total + v * codewords[k]![j]!, 0);
      sum += (x.data[i * x.cols + j]! - decoded) ** 2;
    }
  });
  codewords.forEach((codeword, k) =>
    codeword.forEach((value, j) => (sum += ridge * (value - start[k]![j]!) ** 2)),
  );
  return sum;
}

function codewordsOf(codebooks: readonly Matrix[]): number[][] {
  return codebooks.flatMap(({ data, rows, cols }) =>
    Array.from({ length: rows }, (_, k) => [...data.subarray(k * cols, (k + 1) * cols)]),
  );
}

const problems = fc.record({
  seed: fc.integer({ min: 0, max: 1e6 }),
  sizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 }),
  rows: fc.integer({ min: 1, max: 40 }),
  cols: fc.integer({ min: 1, max: 4 }),
  ridge: fc.constantFrom(0.5, 4, 32),
  scales: fc.boolean(),
});

describe("leastSquares", () => {
  it("comes within 1 % of what the float64 solution gains, with codebooks of their own or a shared one", async () => {
    await fc.assert(
      fc.asyncProperty(problems, async ({ seed, sizes, rows, cols, ridge, scales }) => {
        const random = new Random(seed);
        const all = scales ? sizes.map(() => sizes[0]!) : sizes;
        const factors = scales ? sizes.map((_, l) => 0.7 ** l) : undefined;
        const codes = new Codes(
          Array.from({ length: rows }, () => all.map((size) => random.integer(size))).flat(),
          all,
        );
        const x = gaussianMatrix(rows, cols, { seed });
        const start = (scales ? [sizes[0]!] : sizes).map((size, l) =>
          gaussianMatrix(size, cols, { seed: seed + l + 1 }),
        );
        const found = await expectNoLeaks(backend, () =>
          leastSquares(x, codes, start, { backend, ridge, scales: factors }),
        );
        const b = design(codes, all, factors);
        const before = codewordsOf(start);
        const solution = referenceSolution(b, x, before, ridge);
        const at = (codewords: number[][]) => objective(b, x, codewords, before, ridge);
        const least = at(solution);
        const gained = at(before) - at(codewordsOf(found));
        expect(gained).toBeGreaterThanOrEqual(0.99 * (at(before) - least) - 1e-4);
      }),
      { numRuns: 60 },
    );
  });

  it("leaves codewords without rows where they are", async () => {
    const x = gaussianMatrix(10, 3, { seed: 1 });
    const codes = new Codes(
      Array.from({ length: 20 }, (_, i) => i % 2),
      [4, 3],
    );
    const start = [gaussianMatrix(4, 3, { seed: 2 }), gaussianMatrix(3, 3, { seed: 3 })];
    const [first, second] = await leastSquares(x, codes, start, { backend, ridge: 1 });
    expect(first!.data.slice(6)).toEqual(start[0]!.data.slice(6));
    expect(second!.data.slice(0, 3)).toEqual(start[1]!.data.slice(0, 3));
    expect(second!.data.slice(3, 6)).not.toEqual(start[1]!.data.slice(3, 6));
  });
});
