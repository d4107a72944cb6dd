import { createCpuBackend } from "@tessera/backend-cpu";
import { createTensorflowBackend } from "@tessera/backend-node-gpu";
import { clusteredMatrix, compareCodes } from "@tessera/backend-testkit";
import { completeBackend, evaluate, parseSpec } from "@tessera/core";
import { afterAll, describe, expect, it } from "vitest";
import { findPeer } from "../../../backend-node-gpu/test/peer.js";
import { knownQuantizers } from "../quantizers.js";

const { path, obstacle } = await findPeer();
const cpu = await createCpuBackend();
const tensorflow =
  obstacle === undefined ? completeBackend(await createTensorflowBackend({ path })) : cpu;
afterAll(() => {
  cpu.dispose();
  tensorflow.dispose();
});

const DIMENSION = 12;

describe.skipIf(obstacle)(
  `CPU and TensorFlow${obstacle === undefined ? "" : ` (${obstacle})`}`,
  () => {
    it("assign 200,000 rows alike, but for near ties", async ({ annotate }) => {
      const x = clusteredMatrix(200_000, DIMENSION, { seed: 1, clusters: 24, spread: 0.4 }).data;
      const books = clusteredMatrix(24, DIMENSION, { seed: 1, clusters: 24, spread: 0.2 }).data;
      const [ours, theirs] = await Promise.all(
        [tensorflow, cpu].map((backend) => {
          const rows = backend.tensor(x, [200_000, DIMENSION]);
          return backend.assign(rows, backend.tensor(books, [1, 24, DIMENSION])).codes.read();
        }),
      );
      const shape = { groups: 1, codebookSize: 24, dimension: DIMENSION, flushesSubnormals: true };
      const { mismatches, nearTies } = compareCodes(x, books, ours!, shape);
      expect(mismatches).toEqual([]);
      const ofCpu = compareCodes(x, books, theirs!, shape).nearTies;
      const differing = ours!.filter((code, i) => code !== theirs![i]).length;
      expect(differing).toBeLessThanOrEqual(nearTies + ofCpu);
      await annotate(
        `${differing} of 200,000 codes differ; near ties: ${nearTies} TensorFlow, ${ofCpu} CPU`,
      );
    });

    it.each(["rq3x16", "pq4x16", "sq4", "ae(16,6)>rq2x8"])(
      "%s learned on one encodes on the other",
      async (text) => {
        const rows = clusteredMatrix(600, DIMENSION, { seed: 3, clusters: 40, spread: 0.3 });
        const quantizers = knownQuantizers({ batchSize: 64, steps: 40, pretraining: 20 });
        for (const [learner, other] of [
          [cpu, tensorflow],
          [tensorflow, cpu],
        ] as const) {
          const model = await quantizers.fit(parseSpec(text), rows, { backend: learner, seed: 5 });
          const own = await model.encode(rows, { backend: learner });
          const theirs = await model.encode(rows, { backend: other });
          // Near ties are rare, and both choices are equally good.
          const differing = own.data.filter((code, i) => code !== theirs.data[i]).length;
          expect(differing).toBeLessThanOrEqual(own.data.length / 500);
          const a = await evaluate(model, rows, { backend: learner });
          const b = await evaluate(model, rows, { backend: other });
          expect(Math.abs(a.distortion - b.distortion)).toBeLessThanOrEqual(1e-4 * a.distortion);
        }
      },
    );
  },
);
