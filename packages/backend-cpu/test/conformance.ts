import { conformanceCases, identicalBitsCases } from "@tessera/backend-testkit";
import { describe, it } from "vitest";
import type { CpuEngine } from "../src/create.js";
import { createCpuBackend } from "../src/index.js";

/**
 * Holds an engine to the conformance suite, on one, two and three threads.
 *
 * @param obstacle why this host cannot run it
 */
export function describeEngine(engine: CpuEngine, obstacle: string | undefined): void {
  const create = (threads: number) => () => createCpuBackend({ engine, threads });

  describe.skipIf(obstacle)(`${engine}${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
    // Without SIMD the suite takes long, and threads are the same for all wasm.
    for (const threads of engine === "scalar" ? [1] : [1, 2, 3]) {
      describe(`threads: ${threads}`, () => {
        for (const { name, run } of conformanceCases(create(threads))) it(name, run);
      });
    }

    describe("bits", () => {
      for (const { name, run } of identicalBitsCases(create(1), create(3))) it(name, run);
      for (const { name, run } of identicalBitsCases(create(2), create(3))) it(name, run);
    });
  });
}
