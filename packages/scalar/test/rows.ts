import { type Matrix, Random, type Rows, sliceRows } from "@tessera/core";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import fc from "fast-check";
import type { ScalarModel } from "../src/index.js";

export const backend = createReferenceBackend();

export function normalRows(seed: number, rows: number, cols: number): Matrix {
  return gaussianMatrix(rows, cols, { seed });
}

/** A stream that can be read again, cut into batches of `size`. */
export function stream(rows: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < rows.rows; start += size) {
        yield sliceRows(rows, start, Math.min(rows.rows, start + size));
      }
    },
  };
}

/** A stream that cannot. */
export async function* onceOnly(rows: Matrix) {
  yield* stream(rows, 7) as AsyncIterable<Matrix>;
}

export async function roundTrip(model: ScalarModel, rows: Matrix): Promise<Matrix> {
  return model.decode(await model.encode(rows, { backend }));
}

/** Random matrices: normal values of any location and spread, with columns that are constant or have few values. */
export const matrices = fc
  .record({
    seed: fc.nat(1e6),
    rows: fc.integer({ min: 1, max: 40 }),
    cols: fc.integer({ min: 1, max: 20 }),
    mean: fc.constantFrom(0, -3, 1000),
    spread: fc.constantFrom(1, 1e-3, 1e4),
  })
  .map(({ seed, rows, cols, mean, spread }) => {
    const drawn = gaussianMatrix(rows, cols, { seed, mean, spread });
    const kinds = new Random(seed).stream("columns");
    for (let j = 0; j < cols; j++) {
      const kind = kinds.integer(4);
      if (kind > 1) continue;
      for (let i = 0; i < rows; i++) {
        drawn.data[i * cols + j] = kind === 0 ? mean : mean + (i % 3) * spread;
      }
    }
    return drawn;
  });
