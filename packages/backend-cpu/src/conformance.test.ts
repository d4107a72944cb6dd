import { setFlagsFromString } from "node:v8";
import { conformanceCases, identicalBitsCases } from "@tessera/backend-testkit";
import { describe, it } from "vitest";
import type { CpuEngine } from "./create.js";
import { detectSupport } from "./engine.js";
import { createCpuBackend } from "./index.js";
import { findAddon } from "./native-addon.js";

// Node 20 has relaxed SIMD behind this flag; newer ones know no such flag and need none.
if (process.versions.node.startsWith("20.")) {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
}
const { relaxedSimd } = detectSupport();
const { addon, reason } = findAddon();
const variants = addon?.variants().map(({ name }) => name) ?? [];

function lacking(variant: string): string | undefined {
  return variants.includes(variant) ? undefined : (reason ?? `this processor has no ${variant}`);
}

/** Each engine, and why this host cannot run it. */
const ENGINES: readonly (readonly [CpuEngine, string | undefined])[] = [
  ["wasm", undefined],
  ["wasm-relaxed", relaxedSimd ? undefined : "this host has no relaxed SIMD"],
  ["scalar", undefined],
  ["native-avx512vnni", lacking("avx512vnni")],
  ["native-avx512", lacking("avx512")],
  ["native-avx2vnni", lacking("avx2vnni")],
  ["native-avx2", lacking("avx2")],
  ["native-neon", lacking("neon")],
];

for (const [engine, obstacle] of ENGINES) {
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
