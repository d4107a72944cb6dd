/**
 * Where ruling codewords out by whole numbers pays in `assign`: the engine with it against the same instruction set
 * without, by turns on one thread. `screening.ts` of backend-cpu decides by what this found.
 */
import { createCpuBackend, type CpuBackendOptions } from "@tessera/backend-cpu";
import { type CompleteBackend, Random } from "@tessera/core";
import { times } from "./format.js";
import { median } from "./statistics.js";

type Engine = NonNullable<CpuBackendOptions["engine"]>;

/** With screening, and without. */
const ENGINES: readonly (readonly [Engine, Engine])[] = [
  ["native-avx512vnni", "native-avx512"],
  ["native-avx2vnni", "native-avx2"],
];
const DIMENSIONS = [16, 32, 64, 128, 512];
const CODEBOOK_SIZES = [64, 256, 1024, 4096];
const VALUES = 2 ** 21;

/** Prints, for each pair of engines that this machine has, the ratio of times by dimension and codebook size. */
export async function measureCrossovers(
  rounds: number,
  say: (line: string) => void,
): Promise<void> {
  for (const [screening, plain] of ENGINES) {
    const pair: CompleteBackend[] = [];
    try {
      for (const engine of [plain, screening]) {
        pair.push(await createCpuBackend({ engine, threads: 1 }));
      }
      say(`\n${screening}: time of ${plain} / its own time, one thread, normal data`);
      say(["K \\ d", ...DIMENSIONS].map((cell) => String(cell).padStart(8)).join(""));
      for (const k of CODEBOOK_SIZES) {
        const ratios: number[] = [];
        for (const d of DIMENSIONS) ratios.push(await ratioOf(pair, k, d, rounds));
        say([String(k), ...ratios.map(times)].map((cell) => cell.padStart(8)).join(""));
      }
    } catch (error) {
      say(`skipped: ${(error as Error).message}`);
    } finally {
      for (const backend of pair) backend.dispose();
    }
  }
}

async function ratioOf(
  pair: readonly CompleteBackend[],
  codebookSize: number,
  dimension: number,
  rounds: number,
): Promise<number> {
  const rows = Math.floor(VALUES / dimension);
  const random = new Random(1).stream("crossovers");
  const normal = (size: number) => Float32Array.from({ length: size }, () => random.normal());
  const data = normal(rows * dimension);
  const codewords = normal(codebookSize * dimension);
  const runs = pair.map((backend) => {
    const x = backend.tensor(data, [rows, dimension]);
    const codebooks = backend.tensor(codewords, [1, codebookSize, dimension]);
    const seconds: number[] = [];
    return { backend, x, codebooks, seconds };
  });
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const { backend, x, codebooks, seconds } of runs) {
      const start = performance.now();
      const { codes, distances } = backend.assign(x, codebooks);
      await backend.sync();
      if (round > 0) seconds.push(performance.now() - start);
      codes.dispose();
      distances.dispose();
    }
  }
  for (const { x, codebooks } of runs) {
    x.dispose();
    codebooks.dispose();
  }
  const [plain, screened] = runs.map(({ seconds }) => median(seconds));
  return plain! / screened!;
}
