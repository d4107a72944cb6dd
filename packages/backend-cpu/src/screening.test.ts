import { clusteredMatrix } from "@tessera/backend-testkit";
import { describe, expect, it } from "vitest";
import { createCpuBackend, type CpuEngine } from "./create.js";
import { wasmLayout } from "./grain.js";
import { findAddon } from "./native-addon.js";
import { worthScreening } from "./screening.js";

// The engines of a pair have the same vectors; the first rules codewords out by whole numbers, the second does not.
const PAIRS = [
  ["avx512vnni", "avx512"],
  ["avx2vnni", "avx2"],
] as const;
const variants =
  findAddon()
    .addon?.variants()
    .map(({ name }) => name) ?? [];

async function assign(engine: CpuEngine, groups: number): Promise<unknown> {
  const backend = await createCpuBackend({ engine, threads: 2 });
  try {
    const found = [];
    for (const [rows, codewords, dimension] of [
      [3001, 1500, 33],
      [700, 256, 130],
    ] as const) {
      const width = groups * dimension;
      const options = { seed: 3, clusters: 300, spread: 0.7 };
      const x = clusteredMatrix(rows, width, options).data;
      const books = clusteredMatrix(codewords, width, options).data;
      for (const metric of ["l2", "ip"] as const) {
        const { codes, distances } = backend.assign(
          backend.tensor(x, [rows, width]),
          backend.tensor(books, [groups, codewords, dimension]),
          { metric },
        );
        found.push(await codes.read(), await distances.read());
      }
    }
    return found;
  } finally {
    backend.dispose();
  }
}

describe("screening", () => {
  for (const [screening, plain] of PAIRS) {
    const lacking = [screening, plain].find((name) => !variants.includes(name));
    const name = `changes no bit: ${screening} and ${plain}`;
    it.skipIf(lacking)(lacking ? `${name} (there is no ${lacking} here)` : name, async () => {
      for (const groups of [1, 2]) {
        const expected = await assign(`native-${plain}`, groups);
        expect(await assign(`native-${screening}`, groups)).toEqual(expected);
      }
    });
  }

  it("is left out where it does not pay, and where there is nothing to do it with", () => {
    const shape = { groups: 1, codewords: 256, dimension: 128 };
    expect(worthScreening(wasmLayout("wasm"), 10_000, shape)).toBe(true);
    expect(worthScreening(wasmLayout("scalar"), 10_000, shape)).toBe(false);
    expect(worthScreening(wasmLayout("wasm"), 100, shape)).toBe(false);
    expect(worthScreening(wasmLayout("wasm"), 10_000, { ...shape, dimension: 8 })).toBe(false);
    expect(worthScreening(wasmLayout("wasm"), 10_000, { ...shape, codewords: 16 })).toBe(false);
  });
});
