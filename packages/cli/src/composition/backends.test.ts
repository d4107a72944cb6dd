import { createCpuBackend } from "@tessera/backend-cpu";
import { clusteredMatrix, compareCodes } from "@tessera/backend-testkit";
import { createWebGpuBackend } from "@tessera/backend-webgpu";
import { type CompleteBackend, completeBackend, evaluate, parseSpec } from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { findAdapter } from "../../../backend-webgpu/test/adapter.js";
import { createAutoencoderQuantizers } from "@tessera/rqvae";
import { knownQuantizers } from "../quantizers.js";

const obstacle = await findAdapter();
const cpu = await createCpuBackend();
const gpu = obstacle === undefined ? completeBackend(await createWebGpuBackend()) : cpu;
afterAll(() => {
  cpu.dispose();
  gpu.dispose();
});

const TIMEOUT_MS = 300_000;
const DIMENSION = 12;

async function assign(backend: CompleteBackend, x: Float32Array, codebook: Float32Array) {
  const rows = backend.tensor(x, [x.length / DIMENSION, DIMENSION]);
  const books = backend.tensor(codebook, [1, codebook.length / DIMENSION, DIMENSION]);
  const { codes } = backend.assign(rows, books);
  return codes.read();
}

describe.skipIf(obstacle)(`CPU and GPU${obstacle === undefined ? "" : ` (${obstacle})`}`, () => {
  it(
    "assign 200,000 rows alike, but for near ties",
    async ({ annotate }) => {
      const x = clusteredMatrix(200_000, DIMENSION, { seed: 1, clusters: 24, spread: 0.4 }).data;
      const codebook = clusteredMatrix(24, DIMENSION, { seed: 1, clusters: 24, spread: 0.2 }).data;
      const shape = { groups: 1, codebookSize: 24, dimension: DIMENSION, flushesSubnormals: true };
      const onGpu = await assign(gpu, x, codebook);
      const onCpu = await assign(cpu, x, codebook);
      const { mismatches, nearTies } = compareCodes(x, codebook, onGpu, shape);
      expect(mismatches).toEqual([]);
      const differing = onGpu.filter((code, i) => code !== onCpu[i]).length;
      const ofCpu = compareCodes(x, codebook, onCpu, shape).nearTies;
      expect(differing).toBeLessThanOrEqual(nearTies + ofCpu);
      await annotate(
        `${differing} of 200,000 codes differ; near ties: ${nearTies} GPU, ${ofCpu} CPU`,
      );
    },
    TIMEOUT_MS,
  );

  it(
    "an RQ-VAE that one of them trained encodes on the other",
    async () => {
      const rows = clusteredMatrix(160, DIMENSION, { seed: 6, clusters: 12, spread: 0.3 });
      const settings = { batchSize: 32, pretraining: 10, steps: 30, reviewEvery: 10 };
      const spec = parseSpec("ae(12,4)>rq2x8");
      for (const [learner, other] of [
        [cpu, gpu],
        [gpu, cpu],
      ] as const) {
        const model = await createAutoencoderQuantizers({
          ...settings,
          learningRate: 3e-3,
          activation: "gelu",
          norm: "layer",
          dropout: 0.1,
        }).fit(spec, rows, { backend: learner, seed: 5 });
        const own = await model.encode(rows, { backend: learner });
        const theirs = await model.encode(rows, { backend: other });
        const decoded = await model.decode(own, { backend: learner });
        const others = await model.decode(theirs, { backend: other });
        // Where the codes differ, latents are so near two codewords that rounding decides.
        const differing = own.data.filter((code, i) => code !== theirs.data[i]).length;
        expect(differing).toBeLessThanOrEqual(2);
        if (differing > 0) continue;
        decoded.data.forEach((value, i) => expect(others.data[i]).toBeCloseTo(value, 4));
      }
    },
    TIMEOUT_MS,
  );

  it.each(["rq3x16", "pq4x16", "sq4"])(
    "%s learned on one encodes on the other",
    async (text) => {
      const rows = clusteredMatrix(600, DIMENSION, { seed: 3, clusters: 40, spread: 0.3 });
      const quantizers = knownQuantizers();
      const spec = parseSpec(text);
      for (const [learner, other] of [
        [cpu, gpu],
        [gpu, cpu],
      ] as const) {
        const model = await quantizers.fit(spec, rows, { backend: learner, seed: 5 });
        const own = await model.encode(rows, { backend: learner });
        const theirs = await model.encode(rows, { backend: other });
        const differing = own.data.filter((code, i) => code !== theirs.data[i]).length;
        // Near ties are rare, and both choices are equally good.
        expect(differing).toBeLessThanOrEqual(own.data.length / 500);
        const [a, b] = [
          await evaluate(model, rows, { backend: learner }),
          await evaluate(model, rows, { backend: other }),
        ];
        expect(Math.abs(a.distortion - b.distortion)).toBeLessThanOrEqual(1e-4 * a.distortion);
      }
    },
    TIMEOUT_MS,
  );
});
