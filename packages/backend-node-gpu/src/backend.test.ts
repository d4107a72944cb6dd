import { createRequire } from "node:module";
import { join } from "node:path";
import { gaussianMatrix } from "@tessera/backend-testkit";
import { ArgumentError, BackendError, type ComputeBackend, trainingBackend } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { findPeer } from "../test/peer.js";
import type { Addon } from "./addon.js";
import { createTensorflowBackend } from "./index.js";

const { path, obstacle } = await findPeer();

describe("without TensorFlow", () => {
  it("says what to install", async () => {
    const failure: unknown = await createTensorflowBackend({ path: "no/such/folder" }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(BackendError);
    expect((failure as BackendError).hint).toContain("npx tessera-build-tfjs-node");
  });

  it("refuses a module that is another", async () => {
    await expect(createTensorflowBackend({ module: { version: 1 } })).rejects.toThrow(
      'the module has no backend "tensorflow"',
    );
  });
});

describe.skipIf(obstacle)(
  `with TensorFlow${obstacle === undefined ? "" : ` (${obstacle})`}`,
  () => {
    const load = (): object =>
      createRequire(join(path ?? process.cwd(), "_.js"))("@tensorflow/tfjs-node") as object;
    const rows = 1000;
    const x = gaussianMatrix(rows, 24, { seed: 1 }).data;
    const books = gaussianMatrix(60, 12, { seed: 2 }).data;

    async function assign(backend: ComputeBackend): Promise<Float32Array[]> {
      const { codes, distances } = backend.assignTopK(
        backend.tensor(x, [rows, 24]),
        backend.tensor(books, [2, 30, 12]),
        3,
      );
      return [Float32Array.from(await codes.read()), await distances.read()];
    }

    it("gives the same bits whatever the workspace", async () => {
      const whole = await createTensorflowBackend({ path });
      const expected = await assign(whole);
      whole.dispose();
      for (const workspaceBytes of [1, 1000, 50_000]) {
        const backend = await createTensorflowBackend({ path, workspaceBytes });
        expect(backend.info.workspaceBytes).toBe(workspaceBytes);
        expect(await assign(backend)).toEqual(expected);
        backend.dispose();
      }
      await expect(createTensorflowBackend({ path, workspaceBytes: 0 })).rejects.toThrow(
        ArgumentError,
      );
    });

    it("multiplies a row alike in every batch", async () => {
      const backend = await createTensorflowBackend({ path });
      for (const [inner, columns] of [
        [1000, 3],
        [512, 512],
        [100, 49],
        [17, 1],
      ] as const) {
        const all = gaussianMatrix(300, inner, { seed: 3 }).data;
        const b = backend.tensor(gaussianMatrix(inner, columns, { seed: 4 }).data, [
          inner,
          columns,
        ]);
        const product = (from: number, to: number) =>
          backend
            .matmul(backend.tensor(all.slice(from * inner, to * inner), [to - from, inner]), b)
            .read();
        const whole = await product(0, 300);
        for (const [from, to] of [
          [0, 1],
          [1, 128],
          [127, 257],
          [299, 300],
        ] as const) {
          expect(await product(from, to)).toEqual(whole.slice(from * columns, to * columns));
        }
      }
      backend.dispose();
    });

    it("runs on the module that it is given, and says on what", async () => {
      const backend = await createTensorflowBackend({ module: load() });
      expect(backend.info).toMatchObject({ name: "tensorflow", module: "module" });
      expect(backend.info.device).toMatch(/^TensorFlow \d+\.\d+\.\d+ on /);
      backend.dispose();
    });

    it("leaves nothing in TensorFlow", async () => {
      const module = load() as { findBackend(name: string): { binding: Addon & Count } };
      const { binding } = module.findBackend("tensorflow");
      const before = binding.getNumOfTensors();
      const backend = trainingBackend(await createTensorflowBackend({ path }));
      await assign(backend);
      // Writes that split the storage, overlap, and are undone by a write of the whole.
      const vector = backend.zeros([10], "float32");
      const part = backend.slice(vector, 2, 7);
      backend.write(part, backend.tensor(Float32Array.of(1, 2, 3, 4, 5)));
      backend.write(backend.slice(vector, 4, 9), part);
      expect([...(await vector.read())]).toEqual([0, 0, 1, 2, 1, 2, 3, 4, 5, 0]);
      expect([...(await part.read())]).toEqual([1, 2, 1, 2, 3]);
      backend.write(vector, backend.zeros([10], "float32"));
      expect([...(await part.read())]).toEqual([0, 0, 0, 0, 0]);
      backend.dispose();
      expect(binding.getNumOfTensors()).toBe(before);
    });
  },
);

interface Count {
  getNumOfTensors(): number;
}
