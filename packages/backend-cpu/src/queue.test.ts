import { BackendError, expectNoLeaks, type CompleteBackend, type Tensor } from "@tessera/core";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CpuBackend } from "./backend.js";
import { Device } from "./device.js";
import { compileEngine } from "./engine.js";
import { createCpuBackend } from "./index.js";
import { InlineExecutor } from "./inline-executor.js";
import { wasmLayout } from "./grain.js";
import { findAddon } from "./native-addon.js";
import { WasmMemory } from "./memory.js";
import { Runner } from "./runner.js";

const INFO = { name: "test", device: "test", features: [], threads: 1 };

/** A tensor beside what it must hold. */
interface Pair {
  readonly tensor: Tensor<"float32">;
  readonly values: Float32Array;
}

const COLUMNS = 3;

const step = fc.record({
  kind: fc.constantFrom("upload", "upload", "combine", "combine", "take", "slice", "free", "read"),
  rows: fc.integer({ min: 1, max: 400 }),
  a: fc.nat(),
  b: fc.nat(),
});

/** Runs random steps on the backend and on plain arrays, and compares every value that is read. */
async function follow(
  backend: CompleteBackend,
  steps: readonly { kind: string; rows: number; a: number; b: number }[],
): Promise<void> {
  const live: Pair[] = [];
  const reads: Promise<void>[] = [];
  const read = ({ tensor, values }: Pair): Promise<void> =>
    tensor.read().then((found) => expect(found).toEqual(values));
  let seed = 1;
  for (const { kind, rows, a, b } of steps) {
    const first = live[a % Math.max(1, live.length)];
    if (kind === "upload") {
      const values = Float32Array.from(
        { length: rows * COLUMNS },
        () => (seed = (seed * 69) % 997),
      );
      live.push({ tensor: backend.tensor(values, [rows, COLUMNS]), values });
    } else if (first === undefined) continue;
    else if (kind === "combine") {
      const second = live.find(({ values }) => values.length === first.values.length)!;
      live.push({
        tensor: backend.combine(first.tensor, second.tensor, 0.5, -1),
        values: first.values.map((value, i) => Math.fround(0.5 * value) - second.values[i]!),
      });
    } else if (kind === "take") {
      const height = first.tensor.shape[0]!;
      const picks = Int32Array.from({ length: rows }, (_, i) => (i * 7 + b) % height);
      const indices = backend.tensor(picks);
      const values = new Float32Array(rows * COLUMNS);
      picks.forEach((pick, i) => {
        values.set(first.values.subarray(pick * COLUMNS, (pick + 1) * COLUMNS), i * COLUMNS);
      });
      live.push({ tensor: backend.take(first.tensor, indices), values });
      indices.dispose();
    } else if (kind === "slice") {
      const start = b % first.tensor.shape[0]!;
      live.push({
        tensor: backend.slice(first.tensor, start, first.tensor.shape[0]!),
        values: first.values.slice(start * COLUMNS),
      });
    } else if (kind === "free") {
      // A read that is under way must not mind.
      if (b % 2 === 0) reads.push(read(first));
      first.tensor.dispose();
      live.splice(live.indexOf(first), 1);
    } else {
      reads.push(read(first));
      if (b % 4 === 0) await Promise.all(reads.splice(0));
    }
  }
  reads.push(...live.map(read));
  for (const { tensor } of live) tensor.dispose();
  await Promise.all(reads);
}

const engines = ["wasm" as const, ...(findAddon().addon ? ["native" as const] : [])];

describe.each(engines.flatMap((engine) => [1, 3].map((threads) => ({ engine, threads }))))(
  "the queue, $engine, threads: $threads",
  (options) => {
    let backend: CompleteBackend;
    beforeAll(async () => {
      backend = await createCpuBackend(options);
    });
    afterAll(() => backend.dispose());

    it("agrees with plain arrays for any order of steps, and leaks nothing", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) =>
          expectNoLeaks(backend, () => follow(backend, steps)),
        ),
        { numRuns: 60 },
      );
    });

    it("takes many more commands than its ring holds", async () => {
      const one = backend.tensor(Float32Array.of(1));
      let sum = backend.tensor(Float32Array.of(0));
      for (let i = 0; i < 5000; i++) {
        const next = backend.combine(sum, one, 1, 1);
        sum.dispose();
        sum = next;
      }
      expect(await sum.read()).toEqual(Float32Array.of(5000));
      one.dispose();
      sum.dispose();
    });

    it("lets other events have their turn during long work", async () => {
      const x = backend.zeros([60_000, 64], "float32");
      const codebooks = backend.zeros([1, 2048, 64], "float32");
      let turns = 0;
      const timer = setInterval(() => turns++, 1);
      const { codes, distances } = backend.assign(x, codebooks);
      await codes.read();
      clearInterval(timer);
      expect(turns).toBeGreaterThan(1);
      for (const tensor of [x, codebooks, codes, distances]) tensor.dispose();
    });
  },
);

describe("memory that runs out", () => {
  it("says how many bytes could not be had, frees what the call had made, and works on", async () => {
    const module = await compileEngine("wasm", false);
    const pages = 96;
    const memory = new WasmMemory(
      new WebAssembly.Memory({ initial: 16, maximum: pages }),
      pages * 65536,
    );
    const executor = new InlineExecutor(new Runner(module, memory.memory, 0), (words) =>
      memory.place(words, 0),
    );
    const device = new Device(memory, executor, wasmLayout("wasm"));
    const backend = new CpuBackend(device, { ...INFO, maxTensorBytes: device.maxBytes });
    expect(() => backend.zeros([2 ** 30], "float32")).toThrow(/4294967296 bytes/);
    const x = backend.zeros([1000, 400], "float32");
    const codebooks = backend.zeros([1, 400, 400], "float32");
    const used = device.used;
    await expectNoLeaks(backend, () => {
      const codes = backend.zeros([1000, 1], "int32");
      expect(() => backend.clusterSums(x, codes, 2000)).toThrow(BackendError);
      expect(() => backend.matmul(x, x, { transposeB: true })).toThrow(/could not allocate/);
      codes.dispose();
    });
    expect(device.used).toBe(used);
    const { codes } = backend.assign(backend.slice(x, 0, 2), codebooks);
    expect(await codes.read()).toEqual(Int32Array.of(0, 0));
    backend.dispose();
  });
});
