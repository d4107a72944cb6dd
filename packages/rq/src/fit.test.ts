import {
  AbortedError,
  type ComputeBackend,
  evaluate,
  expectNoLeaks,
  type Matrix,
  matrix,
  type Model,
  type Rows,
  sliceRows,
} from "@tessera/core";
import { pickBackend } from "@tessera/backend";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitRq, quantizers, ResidualModel } from "./index.js";

const backend = createReferenceBackend();

function normalRows(seed: number, rows: number, cols: number): Matrix {
  return gaussianMatrix(rows, cols, { seed });
}

function stream(rows: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < rows.rows; start += size) {
        yield sliceRows(rows, start, Math.min(rows.rows, start + size));
      }
    },
  };
}

/** The same model as one that residual levels know nothing about. */
function opaque(model: Model): Model {
  const { spec, dimension, cardinalities, prefixes } = model;
  return {
    spec,
    dimension,
    cardinalities,
    prefixes,
    encode: (rows, options) => model.encode(rows, options),
    decode: (codes, options) => model.decode(codes, options),
    state: () => model.state(),
    save: () => model.save(),
  };
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 4 });
const seeds = fc.integer({ min: 0, max: 1e6 });

describe("fitRq", () => {
  it("lowers the distortion with every level, and keeps it in the facts", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sizes, async (seed, sizes) => {
        const rows = normalRows(seed, 40, 4);
        const model = await fitRq(rows, { codebookSizes: sizes, backend, seed });
        const { distortionPerLevel } = await evaluate(model, rows, { backend });
        model.facts.distortionPerLevel!.forEach((distortion, l) => {
          expect(distortion).toBeCloseTo(distortionPerLevel[l]!, 5);
        });
        for (let l = 1; l < sizes.length; l++) {
          expect(distortionPerLevel[l]).toBeLessThanOrEqual(distortionPerLevel[l - 1]! + 1e-6);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("is the spec rq3x256 in small, with three levels by default", async () => {
    const rows = normalRows(1, 60, 4);
    const options = { backend, seed: 5 };
    const model = await fitRq(rows, { codebookSize: 4, ...options });
    expect(model.save()).toEqual((await quantizers.fit("rq3x4", rows, options)).save());
    expect((await fitRq(rows, { levels: 3, codebookSize: 4, ...options })).save()).toEqual(
      model.save(),
    );
  });

  it("gives the same bits for the same seed, from a matrix and from any stream of its rows", async () => {
    const rows = normalRows(2, 50, 3);
    for (const beam of [1, 3]) {
      const fit = (input: Rows, seed = 0) =>
        fitRq(input, { codebookSizes: [8, 4], backend, seed, beam });
      const bytes = (await fit(rows)).save();
      expect((await fit(rows)).save()).toEqual(bytes);
      expect((await fit(stream(rows, 9))).save()).toEqual(bytes);
      expect((await fit(rows, 1)).save()).not.toEqual(bytes);
    }
  });

  it("gives the same bits whatever the number of threads", async () => {
    const rows = normalRows(8, 600, 16);
    const bytes: Uint8Array[] = [];
    for (const threads of [1, 2]) {
      const cpu = await pickBackend({ name: "cpu", threads });
      try {
        await expectNoLeaks(cpu, async () => {
          bytes.push((await fitRq(rows, { codebookSize: 32, backend: cpu, beam: 2 })).save());
        });
      } finally {
        cpu.dispose();
      }
    }
    expect(bytes[1]).toEqual(bytes[0]);
  });

  it("survives a round trip through its file, facts and default beam included", async () => {
    const rows = normalRows(3, 50, 3);
    const model = await fitRq(rows, { codebookSizes: [8, 4, 2], backend, beam: 3 });
    const bytes = model.save();
    const loaded = quantizers.load(bytes) as ResidualModel;
    expect(loaded.save()).toEqual(bytes);
    expect(loaded.facts).toEqual(model.facts);
    expect(loaded.beam).toBe(3);
    const codes = await model.encode(rows, { backend });
    expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
    expect((await model.encode(rows, { backend, beam: 3 })).data).toEqual(codes.data);
    expect(loaded.prefix(2).spec.kind).toBe("residual");
  });

  it("adds levels of other metrics, by the generic rule x − decode(encode(x))", async () => {
    const rows = normalRows(4, 60, 3);
    const model = (await quantizers.fit("vq4(metric=cosine)+vq8", rows, {
      backend,
    })) as ResidualModel;
    const generic = new ResidualModel(model.levels.map(opaque));
    const codes = await model.encode(rows, { backend });
    expect((await generic.encode(rows, { backend })).data).toEqual(codes.data);
    await expect(quantizers.fit("vq4(metric=ip)+vq4", rows, { backend, beam: 2 })).rejects.toThrow(
      /level 1 is vq4\(metric=ip\)/,
    );
  });

  it("fits with a beam where the backend cannot search", async () => {
    const rows = normalRows(9, 80, 4);
    const minimal = createReferenceBackend({ minimal: true });
    const fit = (computing: ComputeBackend) =>
      fitRq(rows, { codebookSizes: [8, 8, 8], backend: computing, beam: 4 });
    await expectNoLeaks(minimal, async () => {
      const { facts } = await fit(minimal);
      const searched = (await fit(backend)).facts.distortionPerLevel!;
      facts.distortionPerLevel!.forEach((distortion, l) => {
        expect(distortion / searched[l]!).toBeCloseTo(1, 1);
      });
    });
  });

  it("draws one sample for all levels", async () => {
    const rows = normalRows(5, 400, 3);
    const options = { codebookSizes: [4, 4], backend, sample: 60 };
    const model = await fitRq(rows, options);
    const once = (async function* () {
      yield rows;
    })();
    expect((await fitRq(once, options)).save()).toEqual(model.save());
    await expect(fitRq(once, { codebookSizes: [4, 4], backend })).rejects.toThrow(/only once/);
  });

  it("starts every level as it is told to", async () => {
    const rows = normalRows(8, 200, 6);
    const fit = (init?: "k-means++" | "progressive") =>
      fitRq(rows, { backend, levels: 2, codebookSize: 16, ...(init && { init }) });
    const plain = await fit();
    expect((await fit("k-means++")).save()).toEqual(plain.save());
    const progressive = await expectNoLeaks(backend, () => fit("progressive"));
    expect(progressive.save()).not.toEqual(plain.save());
    expect(progressive.facts.distortionPerLevel![1]).toBeLessThan(
      1.1 * plain.facts.distortionPerLevel![1]!,
    );
    await expect(fit("lgb" as "progressive")).rejects.toThrow('init is "lgb"');
  });

  it("says what is wrong: levels, too few rows with the level, a row that is not finite", async () => {
    const rows = normalRows(6, 10, 2);
    await expect(fitRq(rows, { levels: 1, backend })).rejects.toThrow(/levels is 1/);
    await expect(fitRq(rows, { levels: 3, codebookSizes: [2, 2], backend })).rejects.toThrow(
      /codebookSizes gives 2 levels/,
    );
    await expect(fitRq(rows, { codebookSizes: [4, 11], backend })).rejects.toThrow(
      /level 2 of 2.*11.*10/,
    );
    await expect(fitRq(rows, { codebookSizes: [4, 4], backend, beam: 0 })).rejects.toThrow(
      /beam is 0/,
    );
    rows.data[3 * 2] = Number.NaN;
    for (const input of [rows, stream(rows, 2)]) {
      await expect(fitRq(input, { codebookSizes: [2, 2], backend })).rejects.toMatchObject({
        row: 3,
      });
    }
  });

  it("copes with fewer distinct rows than codewords", async () => {
    const rows = matrix(Array.from({ length: 20 }, (_, i) => [i % 3, 1]));
    const model = await fitRq(rows, { codebookSizes: [8, 8], backend });
    expect(model.facts.distortionPerLevel).toEqual([0, 0]);
  });

  it("stops on abort, at any time, and leaves no tensors", async () => {
    const rows = normalRows(7, 60, 3);
    for (const stopAfter of [1, 4, 8]) {
      await expectNoLeaks(backend, async () => {
        const controller = new AbortController();
        let seen = 0;
        const fitting = fitRq(rows, {
          codebookSize: 8,
          backend,
          beam: 2,
          signal: controller.signal,
          onProgress: () => {
            if (++seen === stopAfter) controller.abort();
          },
        });
        await expect(fitting).rejects.toThrow(AbortedError);
      });
    }
  });
});
