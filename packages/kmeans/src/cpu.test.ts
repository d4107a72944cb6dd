import { pickBackend } from "@tessera/backend";
import { clusteredMatrix, createReferenceBackend } from "@tessera/backend-testkit";
import { expectNoLeaks } from "@tessera/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitKmeans, type KmeansOptions } from "./index.js";

type Backend = Awaited<ReturnType<typeof pickBackend>>;

describe("on the CPU backend", () => {
  const backends: Backend[] = [];
  beforeAll(async () => {
    for (const threads of [1, 2, 3]) backends.push(await pickBackend({ name: "cpu", threads }));
  });
  afterAll(() => backends.forEach((backend) => backend.dispose()));

  const x = clusteredMatrix(3000, 24, { seed: 1, clusters: 40, spread: 0.3 });
  const cases: Partial<KmeansOptions>[] = [
    { init: "k-means++" },
    { init: "lbg" },
    { init: "progressive" },
    { init: "random", restarts: 2 },
    { spherical: true, weights: Float32Array.from({ length: 3000 }, (_, i) => i % 5) },
    { miniBatch: 256, iterations: 3 },
  ];

  it.each(cases)("%j gives the same bits with 1, 2 and 3 threads", async (options) => {
    const results = [];
    for (const backend of backends) {
      results.push(
        await expectNoLeaks(backend, () => fitKmeans(x, { codebookSize: 40, backend, ...options })),
      );
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  it("agrees with the reference backend", async () => {
    const options = { codebookSize: 12, iterations: 4, tolerance: 0 };
    const rows = { ...x, data: x.data.subarray(0, 300 * 24), rows: 300 };
    const ours = await fitKmeans(rows, { ...options, backend: backends[0] });
    const reference = await fitKmeans(rows, { ...options, backend: createReferenceBackend() });
    expect(ours.codes).toEqual(reference.codes);
    expect(ours.objective).toBeCloseTo(reference.objective, 3);
  });
});
