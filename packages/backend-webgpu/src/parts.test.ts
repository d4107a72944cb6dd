import { gaussianMatrix, randomCodes } from "@tessera/backend-testkit";
import {
  BackendError,
  CodeRangeError,
  completeBackend,
  distributionBackend,
  NonFiniteError,
  type Tensor,
  trainingBackend,
} from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../test/adapter.js";
import { createWebGpuBackend } from "./index.js";

const obstacle = await findAdapter();
const whole = obstacle === undefined ? await createWebGpuBackend() : undefined;
afterAll(() => whole?.dispose());

const ROWS = 700;
const COLUMNS = 6;
/** Fewer bytes than 700 rows of 6 values have, and more than 256 rows. */
const MOST = 8192;
/** Fewer bytes than 300 rows of 300 values have, and more than 256 rows. */
const MOST_OF_SQUARE = 320_000;
const start = (maxBindingBytes?: number) =>
  createWebGpuBackend({ device: whole?.gpu, maxBindingBytes });
const TIMEOUT_MS = 300_000;

/** What kernels make of rows, by name. */
async function run(maxBindingBytes?: number) {
  const backend = distributionBackend(trainingBackend(await start(maxBindingBytes)), "this test");
  const floats = (data: Float32Array, ...shape: number[]) => backend.tensor(data, shape);
  const x = floats(gaussianMatrix(ROWS, COLUMNS, { seed: 1 }).data, ROWS, COLUMNS);
  const books = floats(gaussianMatrix(10, 3, { seed: 2 }).data, 2, 5, 3);
  const level = floats(gaussianMatrix(7, COLUMNS, { seed: 3 }).data, 1, 7, COLUMNS);
  const row = floats(gaussianMatrix(1, COLUMNS, { seed: 4 }).data, COLUMNS);
  const codes = backend.tensor(randomCodes(ROWS, 2, 5, { seed: 5 }), [ROWS, 2]);
  const order = backend.tensor(randomCodes(ROWS, 1, ROWS, { seed: 6 }), [ROWS]);
  const weights = floats(gaussianMatrix(COLUMNS, 5, { seed: 7 }).data, COLUMNS, 5);
  const few = backend.slice(x, 0, 3);
  const near = backend.assign(x, books);
  const top = backend.assignTopK(x, books, 3);
  const beam = backend.beamSearch?.(x, [level, level], 2);
  const bytes = backend.scalarEncode(x, row, row, { bits: 4 });
  const heavy = floats(gaussianMatrix(ROWS, 1, { seed: 11 }).data, ROWS);
  const clusters = backend.clusterSums(x, codes, 5, heavy);
  const noise = { scale: 0.5, seed: 8, call: 9 };
  const chances = backend.softmax(x, { noise });
  const entropies = backend.entropy(chances, 0.5);
  const norm = { scale: row, shift: row };
  const running = { mean: row, variance: backend.combine(row, row, 0, 0) };
  const results: Record<string, Tensor | undefined> = {
    "assign, codes": near.codes,
    "assign, distances": near.distances,
    "assignTopK, codes": top.codes,
    "assignTopK, distances": top.distances,
    "beamSearch, codes": beam?.codes,
    "beamSearch, distances": beam?.distances,
    gather: backend.gather(books, codes),
    residual: backend.residual(x, books, codes),
    take: backend.take(x, order),
    "clusterSums, sums": clusters.sums,
    "clusterSums, counts": clusters.counts,
    combine: backend.combine(x, x, 0.5, 2),
    matmul: backend.matmul(x, weights),
    scalarEncode: bytes,
    scalarDecode: backend.scalarDecode(bytes, row, row, { bits: 4 }),
    packSigns: backend.packSigns(x, row),
    "softmax with noise": chances,
    softmaxGradient: backend.softmaxGradient(chances, x, { shared: row }),
    "entropy, losses": entropies.losses,
    "entropy, gradient": entropies.gradient,
    batchNorm: backend.batchNorm?.(x, norm, running, { epsilon: 1, activation: "gelu" }).output,
    boundGradient: backend.boundGradient?.(x, x, { shift: row, slope: row }),
    "scanRows, indices": backend.scanRows?.(few, x, 9).indices,
  };
  const read = async ([name, tensor]: [string, Tensor | undefined]) => [name, await tensor?.read()];
  const values = Object.fromEntries(await Promise.all(Object.entries(results).map(read)));
  backend.dispose();
  return values;
}

/** Contrastive losses, whose rows know their own candidates by their number. */
async function contrast(maxBindingBytes?: number) {
  const backend = distributionBackend(trainingBackend(await start(maxBindingBytes)), "this test");
  const similarities = backend.tensor(gaussianMatrix(300, 300, { seed: 10 }).data, [300, 300]);
  const { losses, gradient } = backend.contrastiveLoss(similarities, { scale: 2, weight: 0.1 });
  const values = [await losses.read(), await gradient.read()];
  backend.dispose();
  return values;
}

describe.skipIf(obstacle)(`rows${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  it(
    "that a kernel cannot be given at once are launched in parts, to the same bits",
    async () => {
      const { gpu } = whole!;
      expect(MOST).toBeLessThan(gpu.limits.maxStorageBufferBindingSize);
      expect(await run(MOST)).toEqual(await run());
      expect(await contrast(MOST_OF_SQUARE)).toEqual(await contrast());
    },
    TIMEOUT_MS,
  );

  it(
    "at fault are named by their place among all",
    async () => {
      const backend = completeBackend(await start(MOST));
      const values = gaussianMatrix(ROWS, COLUMNS, { seed: 8 }).data;
      for (const row of [613, 588]) values[row * COLUMNS + 2] = NaN;
      const x = backend.tensor(values, [ROWS, COLUMNS]);
      const books = backend.zeros([1, 3, COLUMNS], "float32");
      const { codes } = backend.assign(x, books);
      await expect(codes.read()).rejects.toMatchObject({ row: 588 });
      await expect(backend.packSigns(x).read()).rejects.toThrow(NonFiniteError);
      const many = backend.tensor(new Int32Array(ROWS).fill(1, 0, 600).fill(9, 600), [ROWS, 1]);
      await expect(backend.gather(books, many).read()).rejects.toThrow(CodeRangeError);
      await expect(backend.gather(books, many).read()).rejects.toMatchObject({ row: 600 });
      const { counts } = backend.clusterSums(backend.zeros([ROWS, COLUMNS], "float32"), many, 3);
      await expect(counts.read()).rejects.toMatchObject({ row: 600, found: 9 });
      backend.dispose();
    },
    TIMEOUT_MS,
  );

  it("are refused where the call needs them all at once", async () => {
    const backend = completeBackend(await start(MOST));
    const x = backend.zeros([ROWS, COLUMNS], "float32");
    expect(() => backend.matmul(x, x, { transposeA: true })).toThrow(BackendError);
    backend.dispose();
  });
});
