import { conformanceCases, identicalBitsCases } from "@tessera/backend-testkit";
import { describe, it } from "vitest";
import type { CpuEngine } from "../src/create.js";
import { createCpuBackend } from "../src/index.js";

export interface EngineUnderTest {
  readonly engine: CpuEngine;
  /** Why this host cannot run it. */
  readonly obstacle?: string | undefined;
  /**
   * Numbers of threads to hold to the whole suite. How work is shared out is the same for all native engines, and for
   * all of wasm, so one of each is tried on several; that the number changes no bit is compared for every engine.
   */
  readonly threads: readonly number[];
}

/** Holds an engine to the conformance suite. */
export function describeEngine({ engine, obstacle, threads }: EngineUnderTest): void {
  const create = (count: number) => () => createCpuBackend({ engine, threads: count });

  describe.skipIf(obstacle)(`${engine}${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
    for (const count of threads) {
      describe(`threads: ${count}`, () => {
        for (const { name, run } of conformanceCases(create(count))) it(name, run);
      });
    }

    describe("bits", () => {
      for (const { name, run } of identicalBitsCases(create(1), create(3))) it(name, run);
      for (const { name, run } of identicalBitsCases(create(2), create(3))) it(name, run);
    });
  });
}
