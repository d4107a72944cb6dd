import { existsSync, readFileSync } from "node:fs";
import { evaluate, type Matrix, matrix } from "@tessera/core";
import { pickBackend } from "@tessera/backend";
import { describe, expect, it } from "vitest";
import { fitRq } from "./index.js";

const file = new URL("../../../../shared/data/industrial/embeddings.npy", import.meta.url);

/** The values of a version 1 `.npy` file of float32. */
function readNpy(cols: number): Matrix {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  return matrix(new Float32Array(new Uint8Array(bytes.subarray(start)).buffer), cols);
}

describe("rq3x256 on 3686 product embeddings of 512 values", () => {
  // scikit-learn's RQ-KMeans reaches .1583 with ten restarts, faiss 1.15 (3 levels of 8 bits, beam 1) .1564.
  it.skipIf(!existsSync(file))(
    "stays well under the distortion of its peers, with as many codes (needs ../shared/data)",
    async () => {
      const rows = readNpy(512);
      const backend = await pickBackend({ name: "cpu" });
      try {
        const model = await fitRq(rows, { backend });
        const { distortion, distortionPerLevel, codes } = await evaluate(model, rows, { backend });
        expect(distortion).toBeLessThan(0.142);
        expect(distortionPerLevel[0]).toBeLessThan(0.25);
        expect(distortionPerLevel[1]).toBeLessThan(0.185);
        const distinct = new Set(Array.from({ length: rows.rows }, (_, i) => codes.row(i).join()));
        expect(distinct.size / rows.rows).toBeGreaterThan(0.86);
      } finally {
        backend.dispose();
      }
    },
  );
});
