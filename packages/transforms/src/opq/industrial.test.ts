import { existsSync, readFileSync } from "node:fs";
import { pickBackend } from "@tessera/backend";
import { createQuantizers, evaluate, type Matrix, matrix, sliceRows } from "@tessera/core";
import { vqPart } from "@tessera/vq";
import { describe, expect, it } from "vitest";
import { plainSplitPart } from "../../test/split.js";
import { transformedPart } from "../part.js";

const file = new URL("../../../../../shared/data/industrial/embeddings.npy", import.meta.url);
const quantizers = createQuantizers([vqPart, plainSplitPart, transformedPart]);

/** The values of a version 1 `.npy` file of float32. */
function readNpy(cols: number): Matrix {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  return matrix(new Float32Array(new Uint8Array(bytes.subarray(start)).buffer), cols);
}

describe("opq16x256 on 3686 product embeddings of 512 values", () => {
  // faiss 1.15 (50 iterations) reaches .1010 on the rows that it was trained on.
  it.skipIf(!existsSync(file))(
    "stays well under the distortion of its peer, on held-out rows too (needs ../shared/data)",
    async () => {
      const rows = readNpy(512);
      const backend = await pickBackend({ name: "cpu" });
      try {
        const options = { backend, iterations: 10 };
        const train = sliceRows(rows, 0, 2949);
        const model = await quantizers.fit("opq16x256", train, options);
        const learned = await evaluate(model, train, { backend });
        expect(learned.distortion).toBeLessThan(0.082);
        const heldOut = await evaluate(model, sliceRows(rows, 2949, 3686), { backend });
        expect(heldOut.distortion).toBeLessThan(0.11);
      } finally {
        backend.dispose();
      }
    },
  );
});
