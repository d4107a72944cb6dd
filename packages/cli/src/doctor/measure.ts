import { type CompleteBackend, Random, throwIfAborted } from "@tessera/core";
import type { Context } from "../context.js";

/** 8192 × 128 rows against 256 codewords: a common size, and small enough for several rounds. */
export const WORK = { rows: 8192, dimension: 128, codewords: 256 } as const;
/** A GPU's work by a CPU takes a hundred times as long. */
const SOFTWARE_ROWS = 256;
const MEASURE_MS = 1000;

/** GFLOP/s of `assign` in a second, counting a multiplication and an addition per value, row and codeword. */
export async function measureAssign(backend: CompleteBackend, context: Context): Promise<number> {
  const { dimension, codewords } = WORK;
  const { adapter } = backend.info as { adapter?: { software: boolean } };
  const rows = adapter?.software === true ? SOFTWARE_ROWS : WORK.rows;
  const random = new Random(0);
  const fill = (size: number) => Float32Array.from({ length: size }, () => random.uniform() - 0.5);
  const x = backend.tensor(fill(rows * dimension), [rows, dimension]);
  const codebooks = backend.tensor(fill(codewords * dimension), [1, codewords, dimension]);
  const round = async () => {
    const { codes, distances } = backend.assign(x, codebooks);
    distances.dispose();
    await codes.read();
    codes.dispose();
  };
  await round();
  const start = performance.now();
  let rounds = 0;
  while (performance.now() - start < MEASURE_MS) {
    throwIfAborted(context.signal);
    await round();
    rounds++;
    const done = Math.min(MEASURE_MS, performance.now() - start);
    const task = `measure ${backend.info.name}`;
    context.progress.update({ task, done: Math.round(done), total: MEASURE_MS });
  }
  const seconds = (performance.now() - start) / 1000;
  x.dispose();
  codebooks.dispose();
  return (2 * rows * dimension * codewords * rounds) / seconds / 1e9;
}
