import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BACKEND_NAMES, type BackendName, pickBackend } from "@tessera/backend";
import { BackendError, Random } from "@tessera/core";
import { decodeVectors, encodeNpy } from "@tessera/io";
import { afterAll, describe, expect, it, vi } from "vitest";
import { preparePeers } from "../../../../packages/cli/test/backends.js";
import { runHere, writtenFrom, type Written } from "../../test/run-here.js";
import { PROGRAM, runProgram, RUNTIMES } from "../../test/runtimes.js";

const TIMEOUT_MS = 300_000;
const folder = await mkdtemp(join(tmpdir(), "tessera-pipeline-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the built program in a process of its own. */
async function run(
  runtime: readonly string[],
  backend: BackendName,
  variables: Readonly<Record<string, string>> = {},
): Promise<Written> {
  const out = await mkdtemp(join(folder, "run-"));
  await runProgram(runtime, [out, backend], variables);
  const names = await readdir(out);
  const bytes = await Promise.all(names.map((name) => readFile(join(out, name))));
  return writtenFrom((name) => bytes[names.indexOf(name)]);
}

/** Why a backend does not start here. */
async function obstacleOf(name: BackendName): Promise<string | undefined> {
  await preparePeers();
  try {
    (await pickBackend({ name })).dispose();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const titled = (name: string, obstacle: string | undefined) =>
  obstacle === undefined ? name : `${name} (${obstacle})`;

/** What the CPU's engines write, from the sources: those that this machine has, by the name that forces them. */
const engines = new Map<string, Written>();
for (const engine of ["wasm", "native"]) {
  vi.stubEnv("TESSERA_CPU", engine);
  try {
    engines.set(engine, await runHere({ backend: "cpu" }));
  } catch (error) {
    // Not every machine has the native engine.
    if (!(error instanceof BackendError)) throw error;
  }
}
vi.unstubAllEnvs();
const reference = engines.get("wasm") as Written;

describe("the pipeline", () => {
  it("gives every dish an ID of its own", () => {
    const { items } = JSON.parse(reference.ids) as { items: Record<string, number[]> };
    expect(Object.keys(items)).toHaveLength(131);
    expect(new Set(Object.values(items).map(String)).size).toBe(131);
  });

  // That backends agree would be luck if rounding could change an ID. Their distances differ by some 2⁻²⁴.
  it("gives the same IDs from vectors with noise that dwarfs rounding", async () => {
    for (let seed = 0; seed < 10; seed++) {
      const random = new Random(seed);
      const { ids, codebooks } = await runHere({ backend: "cpu" }, async (name, bytes) => {
        if (name !== "emoji.npy") return bytes;
        const { data, rows, cols } = await decodeVectors(bytes, name);
        const noisy = data.map((value) => value * (1 + 2 ** -16 * (2 * random.uniform() - 1)));
        return encodeNpy(noisy, [rows, cols]);
      });
      expect(codebooks.equals(reference.codebooks)).toBe(false);
      expect(ids).toBe(reference.ids);
    }
  });
});

const notBuilt = existsSync(PROGRAM) ? undefined : "skipped before a build";

describe.skipIf(notBuilt)(titled("the program", notBuilt), () => {
  for (const [name, runtime = []] of Object.entries(RUNTIMES)) {
    const gap = runtime.length === 0 ? "npm has no build of it for this machine" : undefined;
    it.skipIf(gap)(titled(`writes the same bytes in ${name}`, gap), async () => {
      for (const [engine, { ids, model }] of engines) {
        const written = await run(runtime, "cpu", { TESSERA_CPU: engine });
        expect(written.ids, engine).toBe(ids);
        expect(written.model.equals(model), `the model of ${engine}`).toBe(true);
        expect(ids, engine).toBe(reference.ids);
        expect(written.codebooks.equals(reference.codebooks), `codebooks of ${engine}`).toBe(true);
      }
    });
  }

  for (const backend of BACKEND_NAMES.filter((name) => name !== "cpu")) {
    it(
      `gives the same IDs and codebooks on the backend ${backend}`,
      async ({ skip }) => {
        const obstacle = await obstacleOf(backend);
        skip(obstacle !== undefined, obstacle);
        const { ids, codebooks } = await run(RUNTIMES.node ?? [], backend);
        expect(ids).toBe(reference.ids);
        expect(codebooks.equals(reference.codebooks)).toBe(true);
      },
      TIMEOUT_MS,
    );
  }
});
