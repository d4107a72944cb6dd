import { existsSync, readFileSync } from "node:fs";
import { pickBackend } from "@tessera/backend";
import { type Matrix, matrix } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { estimateDistances, fitRabitq, hammingTopK, quantizers } from "./index.js";

const file = new URL("../../../../shared/data/words/embeddings.npy", import.meta.url);
const QUERIES = 20;

/** The values of a version 1 `.npy` file of float32. */
function readNpy(cols: number): Matrix {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  return matrix(new Float32Array(new Uint8Array(bytes.subarray(start)).buffer), cols);
}

/** Rows far apart in the file, as queries. */
function someRows({ data, rows, cols }: Matrix, count: number): Matrix {
  const every = Math.floor(rows / count);
  return matrix(
    Array.from({ length: count }, (_, i) =>
      data.subarray(i * every * cols, (i * every + 1) * cols),
    ),
  );
}

/** Squared distances of one query to all rows. */
function distancesTo(rows: Matrix, queries: Matrix, q: number): Float64Array {
  const { data, cols } = rows;
  return Float64Array.from({ length: rows.rows }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += (data[i * cols + j]! - queries.data[q * cols + j]!) ** 2;
    return sum;
  });
}

/** Indices of the smallest values, in order of the index. */
function smallest(values: Float32Array | Float64Array, count: number): number[] {
  const last = values.toSorted()[count - 1]!;
  const indices: number[] = [];
  values.forEach((value, index) => {
    if (value <= last) indices.push(index);
  });
  return indices;
}

describe("100,000 word vectors of 100 values", () => {
  it.skipIf(!existsSync(file))(
    "RaBitQ finds the exact ten among its first hundred where signs do not, within its bounds (needs ../shared/data)",
    async () => {
      const rows = readNpy(100);
      const queries = someRows(rows, QUERIES);
      const exact = Array.from({ length: QUERIES }, (_, q) => distancesTo(rows, queries, q));
      const nearest = exact.map((distances) => smallest(distances, 10));
      const recall = (candidates: (q: number) => Iterable<number>) => {
        let found = 0;
        for (let q = 0; q < QUERIES; q++) {
          const among = new Set(candidates(q));
          found += nearest[q]!.filter((row) => among.has(row)).length;
        }
        return found / (10 * QUERIES);
      };
      const backend = await pickBackend({ name: "cpu" });
      try {
        const hamming = async (spec: string) => {
          const model = await quantizers.fit(spec, rows, { backend });
          const packed = (await model.encode(rows, { backend })).pack();
          const ofQueries = (await model.encode(queries, { backend })).pack();
          return recall(
            (q) => hammingTopK(ofQueries.subarray(13 * q, 13 * q + 13), packed, 100).indices,
          );
        };
        const model = await fitRabitq(rows, { backend });
        const codes = await model.encode(rows, { backend });
        const { estimates, bounds } = await estimateDistances(model, queries, codes, { backend });
        const ofQuery = ({ data, cols }: Matrix, q: number) =>
          data.subarray(q * cols, (q + 1) * cols);
        const found = recall((q) => smallest(ofQuery(estimates, q), 100));

        // faiss 1.15 reaches .91 with its IndexRaBitQ behind a random rotation.
        expect(found).toBeGreaterThan(0.86);
        expect(await hamming("sign")).toBeLessThan(found - 0.2);
        expect(await hamming("center>rotation>sign")).toBeLessThan(found - 0.2);

        let outside = 0;
        for (let q = 0; q < QUERIES; q++) {
          const [estimate, bound] = [ofQuery(estimates, q), ofQuery(bounds, q)];
          exact[q]!.forEach((distance, row) => {
            if (Math.abs(distance - estimate[row]!) > bound[row]!) outside++;
          });
        }
        // 5.7 % of a normal distribution lie beyond 1.9 deviations.
        expect(outside / (QUERIES * rows.rows)).toBeLessThan(0.06);
        expect(outside / (QUERIES * rows.rows)).toBeGreaterThan(0.04);
      } finally {
        backend.dispose();
      }
    },
  );
});
