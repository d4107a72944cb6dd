import { setFlagsFromString } from "node:v8";
import { conformanceCases, identicalBitsCases } from "@tessera/backend-testkit";
import { describe, it } from "vitest";
import { detectSupport } from "./engine.js";
import { createCpuBackend } from "./index.js";

// Node 20 has relaxed SIMD behind this flag; newer ones know no such flag and need none.
if (process.versions.node.startsWith("20.")) {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { relaxedSimd } = detectSupport();

for (const engine of ["wasm", "wasm-relaxed"] as const) {
  const create = (threads: number) => () => createCpuBackend({ engine, threads });

  describe.skipIf(engine === "wasm-relaxed" && !relaxedSimd)(
    `${engine}${engine === "wasm-relaxed" && !relaxedSimd ? " (this host has no relaxed SIMD)" : ""}`,
    () => {
      for (const threads of [1, 2, 3]) {
        describe(`threads: ${threads}`, () => {
          for (const { name, run } of conformanceCases(create(threads))) it(name, run);
        });
      }

      describe("bits", () => {
        for (const { name, run } of identicalBitsCases(create(1), create(3))) it(name, run);
        for (const { name, run } of identicalBitsCases(create(2), create(3))) it(name, run);
      });
    },
  );
}
