import {
  ArgumentError,
  type Codes,
  type CompleteBackend,
  type Matrix,
  throwIfAborted,
} from "@tessera/core";
import { gridRows, readFactors } from "./factors.js";
import { type PreparedQueries } from "./query.js";

/** Estimates of every query against every row, and how far off they may be. */
export interface Estimates {
  /** `[queries, rows]`; unbiased over random rotations. A squared distance may come out below 0. */
  readonly estimates: Matrix;
  /**
   * `[queries, rows]`; the true value lies within estimate ± bound with a probability that ε₀ sets, at least
   * 1 − 2·exp(−ε₀²/2). It comes near that of a normal distribution: 94.3 % for 1.9, 99.7 % for 3.
   */
  readonly bounds: Matrix;
}

/** The ε₀ of the paper's experiments. */
export const DEFAULT_EPSILON = 1.9;

/** Values of codes on the device at a time: 16 MiB. */
const BATCH_VALUES = 2 ** 22;

/** @throws {ArgumentError} if ε₀ is no positive number */
export function checkEpsilon(epsilon: number): void {
  if (!(epsilon > 0 && epsilon < Infinity)) {
    throw new ArgumentError(`epsilon is ${epsilon}; it must be a positive number`);
  }
}

/**
 * ⟨row, query⟩ of every query and row, estimated from codes: ‖o‖·⟨y, q⟩ / ⟨y, o/‖o‖⟩, where y is the codeword at unit
 * length (Gao and Long 2024, theorem 3.2).
 *
 * Given ⟨y, o⟩, the part of y that is orthogonal to o points anywhere with equal probability, since the rotation was
 * random. Its product with q is then that of a coordinate of a random point on a sphere of D − 1 dimensions, which gives
 * the bound ‖o‖·‖q‖·√(1 − cos²)/cos·ε₀/√(D − 1). Rounding a query at random to steps of Δ adds an independent error with
 * the variance proxy (Δ/2)² (Hoeffding's lemma), divided by cos².
 */
export async function estimateProducts(
  backend: CompleteBackend,
  queries: PreparedQueries,
  codes: Codes,
  bits: number,
  epsilon: number,
  signal?: AbortSignal,
): Promise<Estimates> {
  const { rows: count, cols: dimension } = queries.rows;
  const { norms, cosines } = readFactors(codes);
  const shape = { rows: count, cols: codes.rows };
  const estimates = new Float32Array(count * codes.rows);
  const bounds = new Float32Array(count * codes.rows);
  const size = Math.max(1, Math.floor(BATCH_VALUES / dimension));
  const q = backend.tensor(queries.rows.data, [count, dimension]);
  try {
    for (let start = 0; start < codes.rows; start += size) {
      throwIfAborted(signal);
      const end = Math.min(codes.rows, start + size);
      const { grid, lengths } = gridRows(codes, start, end, dimension, bits);
      const products = backend.scope(() =>
        backend.matmul(q, backend.tensor(grid.data, [grid.rows, dimension]), { transposeB: true }),
      );
      const dots = await products.read();
      products.dispose();
      for (let i = 0; i < count; i++) {
        const square = queries.squares[i]! / Math.max(1, dimension - 1);
        const rounding = (queries.steps[i]! / 2) ** 2;
        for (let r = start; r < end; r++) {
          const cosine = cosines[r]!;
          const stretch = norms[r]! / cosine;
          const at = i * codes.rows + r;
          estimates[at] = (stretch * dots[i * grid.rows + r - start]!) / lengths[r - start]!;
          bounds[at] = epsilon * stretch * Math.sqrt(square * (1 - cosine * cosine) + rounding);
        }
      }
    }
  } finally {
    q.dispose();
  }
  return { estimates: { data: estimates, ...shape }, bounds: { data: bounds, ...shape } };
}
