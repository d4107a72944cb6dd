import { conformanceCases, identicalBitsCases } from "@tessera/backend-testkit";
import { describe, expect, it } from "vitest";
import { createCpuBackend } from "./index.js";

// In Node the suite runs at full size; what may differ here are the wasm engine and how workers start.
const options = { scale: 0.01 };
const create = (threads: number) => () => createCpuBackend({ threads });

describe("the CPU backend in a page", () => {
  it("runs wasm on threads where the page is cross-origin isolated, and says what it runs on", async () => {
    expect(crossOriginIsolated).toBe(true);
    const backend = await createCpuBackend({ threads: 2 });
    expect(backend.info.name).toMatch(/^cpu-wasm/);
    expect(backend.info.threads).toBe(2);
    expect(backend.info.features).toContain("threads");
    backend.dispose();
  });

  it("tells of a lack of threads and of native kernels by wasm on one", async () => {
    const backend = await createCpuBackend({ threads: 1, engine: "wasm" });
    expect(backend.info).toMatchObject({ name: "cpu-wasm", threads: 1 });
    backend.dispose();
    await expect(createCpuBackend({ engine: "native" })).rejects.toThrow(/native was asked for/);
  });
});

describe("wasm, threads: 2", () => {
  for (const { name, run } of conformanceCases(create(2), options)) it(name, run);
});

describe("bits on one thread and two", () => {
  for (const { name, run } of identicalBitsCases(create(1), create(2), options)) it(name, run);
});
