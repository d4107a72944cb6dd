import { existsSync, readFileSync } from "node:fs";
import { evaluate, type Matrix, matrix } from "@tessera/core";
import { pickBackend } from "@tessera/backend";
import { describe, expect, it } from "vitest";
import { fitPq } from "./index.js";

const file = new URL("../../../../shared/data/industrial/embeddings.npy", import.meta.url);

/** The values of a version 1 `.npy` file of float32. */
function readNpy(cols: number): Matrix {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  return matrix(new Float32Array(new Uint8Array(bytes.subarray(start)).buffer), cols);
}

describe("on 3686 product embeddings of 512 values", () => {
  // What faiss 1.15's ProductQuantizer reaches.
  it.skipIf(!existsSync(file)).each([
    [8, 0.2351],
    [16, 0.2051],
    [32, 0.1516],
  ])(
    "pq%ix256 is below the distortion %d of faiss (needs ../shared/data)",
    async (groups, peer) => {
      const rows = readNpy(512);
      const backend = await pickBackend({ name: "cpu" });
      try {
        const model = await fitPq(rows, { groups, backend });
        const { distortion } = await evaluate(model, rows, { backend });
        expect(distortion).toBeLessThan(0.99 * peer);
      } finally {
        backend.dispose();
      }
    },
  );
});
