import { existsSync, readFileSync } from "node:fs";
import { pickBackend } from "@tessera/backend";
import { createQuantizers, evaluate, type FitOptions, type Matrix, matrix } from "@tessera/core";
import { splitPart } from "@tessera/pq";
import { transformedPart } from "@tessera/transforms";
import { vqPart } from "@tessera/vq";
import { describe, expect, it } from "vitest";
import { residualPart } from "../index.js";

const quantizers = createQuantizers([vqPart, residualPart, splitPart, transformedPart]);

function fileOf(name: string): URL {
  return new URL(`../../../../../shared/data/${name}/embeddings.npy`, import.meta.url);
}

/** Every `step`-th row of a version 1 `.npy` file of float32, from the row `first` on. */
function readRows(file: URL, cols: number, first: number, step: number): Matrix {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const all = new Float32Array(new Uint8Array(bytes.subarray(start)).buffer);
  const rows: Float32Array[] = [];
  for (let at = first * cols; at < all.length; at += step * cols) {
    rows.push(all.subarray(at, at + cols));
  }
  return matrix(rows);
}

describe("aq on real rows", () => {
  it.skipIf(!existsSync(fileOf("words"))).each([
    ["words", 100, 16, 4, 64],
    ["industrial", 512, 2, 8, 64],
    // More rows than the sample that refines holds.
    ["words", 100, 2, 4, 16],
  ])(
    "is no worse than RQ, PQ and OPQ at equal bits on held-out rows: %s of %i values, one row in %i (needs ../shared/data)",
    async (name, cols, step, levels, size) => {
      const file = fileOf(name);
      const rows = readRows(file, cols, 0, step);
      const heldOut = readRows(file, cols, 1, step);
      const backend = await pickBackend({ name: "cpu" });
      const of = async (kind: string, options: FitOptions = {}): Promise<number> => {
        const model = await quantizers.fit(`${kind}${levels}x${size}`, rows, {
          backend,
          ...options,
        });
        return (await evaluate(model, heldOut, { backend })).distortion;
      };
      try {
        const additive = await of("aq");
        const others = [
          await of("rq"),
          await of("rq", { beam: 8 }),
          await of("pq"),
          await of("opq"),
        ];
        expect(additive).toBeLessThanOrEqual(1.002 * Math.min(...others));
      } finally {
        backend.dispose();
      }
    },
    240_000,
  );
});
