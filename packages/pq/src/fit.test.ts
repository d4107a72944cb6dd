import { pickBackend } from "@tessera/backend";
import { clusteredMatrix, createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  ArgumentError,
  evaluate,
  expectNoLeaks,
  matrix,
  NonFiniteError,
  ShapeError,
  sliceColumns,
  SpecError,
} from "@tessera/core";
import { fitVq } from "@tessera/vq";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../test/rows.js";
import { fitPq, type FitPqOptions, quantizers } from "./index.js";

const backend = createReferenceBackend();

async function* onceOnly(rows: ReturnType<typeof matrix>) {
  yield rows;
}

describe("fitPq", () => {
  it("learns each group's own codewords", async () => {
    const rows = matrix([
      [0, 7, 5],
      [1, 7, 5],
      [0, 7, 9],
      [1, 7, 9],
    ]);
    const model = await fitPq(rows, { groups: 3, codebookSize: 2, backend });
    expect(model.facts.distortion).toBe(0);
    const codes = await model.encode(rows, { backend });
    expect(await model.decode(codes)).toEqual(rows);
  });

  it("is the spec pq2x4, whichever way it is spelled", async () => {
    const rows = gaussianMatrix(60, 4, { seed: 1 });
    const options = { backend, seed: 5 };
    const bytes = (await fitPq(rows, { groups: 2, codebookSize: 4, ...options })).save();
    expect((await quantizers.fit("pq2x4", rows, options)).save()).toEqual(bytes);
    expect((await quantizers.fit("split2(vq4)", rows, options)).save()).toEqual(bytes);
  });

  it("keeps the distortion of its training rows in its facts", async () => {
    const rows = gaussianMatrix(200, 6, { seed: 2 });
    const model = await fitPq(rows, { groups: 3, codebookSize: 16, backend });
    const { distortion } = await evaluate(model, rows, { backend });
    expect(model.facts.distortion).toBeCloseTo(distortion, 5);
    expect(model.facts.iterations).toBeGreaterThan(0);
  });

  it("is as good as a codebook for each slice", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 2, max: 4 }),
        async (seed, groups) => {
          const rows = clusteredMatrix(300, 2 * groups, { seed, clusters: 40 });
          const model = await fitPq(rows, { groups, codebookSize: 16, backend, seed });
          let slices = 0;
          for (let m = 0; m < groups; m++) {
            const slice = sliceColumns(rows, 2 * m, 2 * m + 2);
            const options = { codebookSize: 16, backend, seed, exchange: false };
            slices += (await fitVq(slice, options)).facts.distortion!;
          }
          expect(model.facts.distortion).toBeLessThan(1.05 * slices);
        },
      ),
      { numRuns: 8 },
    );
  });

  it("gives the same bits for the same seed, from a matrix and from any stream of its rows", async () => {
    const rows = gaussianMatrix(60, 6, { seed: 9 });
    for (const sample of [undefined, 40, Infinity]) {
      const options = { groups: 3, codebookSize: 8, backend, seed: 3, sample };
      const bytes = (await fitPq(rows, options)).save();
      expect((await fitPq(rows, options)).save()).toEqual(bytes);
      expect((await fitPq(stream(rows, 7), options)).save()).toEqual(bytes);
      expect((await fitPq(rows, { ...options, seed: 4 })).save()).not.toEqual(bytes);
    }
  });

  it("gives the same bits whatever the number of threads", async () => {
    const rows = gaussianMatrix(700, 32, { seed: 8 });
    const bytes: Uint8Array[] = [];
    for (const threads of [1, 2]) {
      const cpu = await pickBackend({ name: "cpu", threads });
      try {
        await expectNoLeaks(cpu, async () => {
          const model = await fitPq(rows, { groups: 4, codebookSize: 32, backend: cpu });
          bytes.push(model.save());
        });
      } finally {
        cpu.dispose();
      }
    }
    expect(bytes[1]).toEqual(bytes[0]);
  });

  it("trains on 256 rows per codeword unless told otherwise, also of rows that can be read only once", async () => {
    const rows = gaussianMatrix(1400, 2, { seed: 10 });
    const fit = (sample?: number) => fitPq(rows, { groups: 2, codebookSize: 4, backend, sample });
    const [byDefault, some, all] = [await fit(), await fit(1024), await fit(1400)];
    expect(byDefault.save()).toEqual(some.save());
    expect((await fit(Infinity)).save()).toEqual(all.save());
    expect(all.save()).not.toEqual(some.save());
    const options = { groups: 2, codebookSize: 4, backend };
    expect((await fitPq(onceOnly(rows), options)).save()).toEqual(byDefault.save());
    await expect(fitPq(onceOnly(rows), { ...options, sample: Infinity })).rejects.toThrow(
      "only once",
    );
  });

  it("says what is wrong: groups, codebooks, rows", async () => {
    const rows = gaussianMatrix(20, 12, { seed: 15 });
    const fit = (options: Partial<FitPqOptions>) =>
      fitPq(rows, { groups: 3, codebookSize: 4, backend, ...options });
    await expect(fit({ groups: 1 })).rejects.toThrow(ArgumentError);
    for (const wrong of [{ groups: 0 }, { groups: 2.5 }, { codebookSize: 0 }]) {
      await expect(fit(wrong)).rejects.toThrow(SpecError);
    }
    const error = await fit({ groups: 8 }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ShapeError);
    expect((error as ShapeError).hint).toContain("groups may be 2, 3, 4, 6, 12");
    await expect(fit({ codebookSize: 21 })).rejects.toThrow(/21.*20/);
    await expect(fit({ sample: 3 })).rejects.toThrow(/sample is 3/);
    rows.data[7 * 12 + 1] = Infinity;
    for (const input of [rows, stream(rows, 3)]) {
      await expect(fitPq(input, { groups: 3, codebookSize: 4, backend })).rejects.toMatchObject({
        row: 7,
      });
    }
    rows.data.fill(Number.NaN);
    await expect(fit({ sample: 5 })).rejects.toThrow(NonFiniteError);
  });

  it("stops on abort, at any time, and leaves no tensors", async () => {
    const rows = gaussianMatrix(90, 6, { seed: 17 });
    for (const stopAfter of [0, 1, 5, 9]) {
      await expectNoLeaks(backend, async () => {
        const controller = new AbortController();
        let seen = 0;
        if (stopAfter === 0) controller.abort();
        const fitting = fitPq(rows, {
          groups: 2,
          codebookSize: 16,
          backend,
          tolerance: 0,
          signal: controller.signal,
          onProgress: () => {
            if (++seen === stopAfter) controller.abort();
          },
        });
        await expect(fitting).rejects.toThrow(AbortedError);
      });
    }
  });

  it("takes codebooks of more than a byte", async () => {
    // Squares below 2²⁴ are exact, so every row finds itself.
    const data = Float32Array.from({ length: 6000 }, (_, i) => (i % 2 ? i >> 1 : -i >> 1));
    const rows = matrix(data, 2);
    const cpu = await pickBackend({ name: "cpu" });
    try {
      const model = await fitPq(rows, { groups: 2, codebookSize: 3000, backend: cpu });
      expect(model.facts.distortion).toBe(0);
      const codes = await model.encode(rows, { backend: cpu });
      expect(codes.data).toBeInstanceOf(Uint16Array);
      expect(new Set(codes.data).size).toBe(3000);
    } finally {
      cpu.dispose();
    }
  });
});
