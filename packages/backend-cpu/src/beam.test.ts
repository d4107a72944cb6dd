import { clusteredMatrix, gaussianMatrix } from "@tessera/backend-testkit";
import { expect, it } from "vitest";
import { createCpuBackend } from "./index.js";

it.each(["auto", "wasm"] as const)(
  "a beam of 1 has the bits of assign and residual in turn (%s)",
  async (engine) => {
    const backend = await createCpuBackend({ engine, threads: 2 });
    try {
      const [rows, dimension] = [331, 21];
      const x = backend.tensor(clusteredMatrix(rows, dimension, { seed: 1 }).data, [
        rows,
        dimension,
      ]);
      const codebooks = [40, 7, 19].map((size, l) =>
        backend.tensor(gaussianMatrix(size, dimension, { seed: 2 + l, spread: 0.5 ** l }).data, [
          1,
          size,
          dimension,
        ]),
      );
      const searched = backend.beamSearch!(x, codebooks, 1);
      const codes = await searched.codes.read();
      const distances = await searched.distances.read();
      let left = x;
      for (const [l, codebook] of codebooks.entries()) {
        const found = backend.assign(left, codebook);
        expect(codes.subarray(l * rows, (l + 1) * rows)).toEqual(await found.codes.read());
        expect(distances.subarray(l * rows, (l + 1) * rows)).toEqual(await found.distances.read());
        left = backend.residual(left, codebook, found.codes);
      }
    } finally {
      backend.dispose();
    }
  },
);
