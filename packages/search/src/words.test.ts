import { existsSync, readFileSync } from "node:fs";
import { pickBackend } from "@tessera/backend";
import { type Matrix, matrix, sliceRows } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { quantizers } from "../test/models.js";
import { recommend } from "./recommend.js";
import { createIndex, exactSearch, recallAt, type SearchOptions } from "./index.js";

const file = new URL("../../../../shared/data/words/embeddings.npy", import.meta.url);

/** The values of a version 1 `.npy` file of float32. */
function readNpy(cols: number): Matrix {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  return matrix(new Float32Array(new Uint8Array(bytes.subarray(start)).buffer), cols);
}

describe("100,000 word vectors of 100 values", () => {
  it.skipIf(!existsSync(file))(
    "are found by their codes, and all but all with re-scoring (needs ../shared/data)",
    async () => {
      const all = readNpy(100);
      const rows = sliceRows(all, 0, all.rows - 100);
      const queries = sliceRows(all, all.rows - 100, all.rows);
      const backend = await pickBackend({ name: "cpu" });
      try {
        const truth = await exactSearch(rows, queries, { k: 10, backend });
        const fill = async (spec: string, lists = false) => {
          const fitting = { backend, sample: 8192, iterations: 6 };
          const index = createIndex(await quantizers.fit(spec, rows, fitting), { lists });
          await index.add(rows, { backend });
          return async (options: SearchOptions = {}) =>
            recallAt(await index.search(queries, { k: 10, backend, ...options }), truth, 10);
        };
        const again = { exact: rows, rescore: 10 };
        const product = await fill("pq20x256");
        expect(await product()).toBeGreaterThan(0.45);
        expect(await product(again)).toBeGreaterThan(0.9);
        const lists = await fill("vq64+pq20x256", true);
        expect(await lists({ ...again, nprobe: 64 })).toBeGreaterThan(0.9);
        expect(await lists({ ...again, nprobe: 16 })).toBeGreaterThan(0.9);
        const rabitq = await fill("rabitq");
        expect(await rabitq(again)).toBeGreaterThan(0.8);
        expect(await rabitq({ exact: rows, rescore: "bound" })).toBeGreaterThan(0.98);
        expect(await (await fill("sign"))(again)).toBeGreaterThan(0.25);
      } finally {
        backend.dispose();
      }
    },
    300_000,
  );

  it.skipIf(!existsSync(file))(
    "are searched best within 20 bytes by a rotated product (needs ../shared/data)",
    async () => {
      const backend = await pickBackend({ name: "cpu" });
      try {
        const candidates = ["pq20x256", "opq20x256", "pca40>sq4", "sign", "sq8"].map((spec) => ({
          spec,
        }));
        const found = await recommend(readNpy(100), quantizers, {
          bytes: 20,
          sample: 10_000,
          budget: Infinity,
          candidates,
          backend,
        });
        expect(found.chosen?.spec).toBe("opq20x256");
        expect(found.best.reached).toBeGreaterThan(0.55);
      } finally {
        backend.dispose();
      }
    },
    300_000,
  );
});
