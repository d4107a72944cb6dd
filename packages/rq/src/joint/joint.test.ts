import { pickBackend } from "@tessera/backend";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  Codes,
  type ComputeBackend,
  completeBackend,
  createQuantizers,
  evaluate,
  expectNoLeaks,
  type FitContext,
  type FitOptions,
  type Matrix,
  matrix,
  MissingPartError,
  type Model,
  Random,
  type Rows,
  sliceRows,
} from "@tessera/core";
import { splitPart } from "@tessera/pq";
import { transformedPart } from "@tessera/transforms";
import { type VqModel, vqPart } from "@tessera/vq";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { quantizers as own, residualPart, ResidualModel } from "../index.js";
import { additiveCodebooks, coarseToFine, vqLevels } from "./codebooks.js";
import { judge, refine, repeat } from "./refine.js";

const reference = completeBackend(createReferenceBackend());
const quantizers = createQuantizers([vqPart, residualPart, splitPart, transformedPart]);

/** Rows of groups of dimensions that are independent of one another and not Gaussian: what a product quantizer is made for. */
function productRows(seed: number, rows: number, groups: number, width: number): Matrix {
  const random = new Random(seed);
  const centres = new Random(7);
  const clusters = Array.from({ length: groups }, () =>
    Array.from({ length: 12 }, () => Array.from({ length: width }, () => 3 * centres.normal())),
  );
  const data = Float32Array.from({ length: rows * groups * width }, () => 0.3 * random.normal());
  for (let i = 0, at = 0; i < rows; i++) {
    for (const group of clusters) for (const v of group[random.integer(12)]!) data[at++]! += v;
  }
  return matrix(data, groups * width);
}

/** Normal rows of falling variances, mixed. */
function mixedRows(seed: number, rows: number, cols: number): Matrix {
  const mixing = gaussianMatrix(cols, cols, { seed: 5 }).data;
  const hidden = gaussianMatrix(rows, cols, { seed }).data;
  const data = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    for (let h = 0; h < cols; h++) {
      const value = hidden[i * cols + h]! / (h + 1);
      for (let j = 0; j < cols; j++) data[i * cols + j]! += value * mixing[h * cols + j]!;
    }
  }
  return matrix(data, cols);
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

async function distortionOf(
  model: Model,
  rows: Matrix,
  backend: ComputeBackend = reference,
): Promise<number> {
  return (await evaluate(model, rows, { backend })).distortion;
}

describe("refinement", () => {
  const contextOf = (backend: ComputeBackend): FitContext => ({
    options: { backend },
    seed: 0,
    fit: () => Promise.reject(new Error("not used")),
  });

  it("never ends with a greater distortion of the held-out rows, and its rounds can be repeated", async () => {
    let better = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        async (seed, sizes, beam) => {
          const start = sizes.map((size, l) => gaussianMatrix(size, 4, { seed: seed + l }));
          const learned = gaussianMatrix(60, 4, { seed: seed + 10 });
          const heldOut = gaussianMatrix(30, 4, { seed: seed + 11 });
          const options = {
            backend: reference,
            beam,
            context: contextOf(reference),
            onRound: () => undefined,
          };
          const before = await judge(start, heldOut, options);
          const { codebooks, distortion, ridges } = await expectNoLeaks(reference, () =>
            refine({ codebooks: start, distortion: before }, learned, heldOut, Infinity, options),
          );
          expect(distortion).toBeLessThanOrEqual(before);
          expect(await judge(codebooks, heldOut, options)).toBe(distortion);
          expect(await repeat(start, learned, ridges, options)).toEqual(codebooks);
          if (ridges.length > 0) better++;
        },
      ),
      { numRuns: 25 },
    );
    expect(better).toBeGreaterThan(20);
  });

  it("gives up where it cannot get below what another start reached", async () => {
    const start = [1, 2].map((seed) => gaussianMatrix(4, 4, { seed }));
    const rows = gaussianMatrix(60, 4, { seed: 3 });
    const context = contextOf(reference);
    const options = { backend: reference, beam: 1, context, onRound: () => undefined };
    const judged = { codebooks: start, distortion: await judge(start, rows, options) };
    const all = await refine(judged, rows, rows, Infinity, options);
    const hopeless = await refine(judged, rows, rows, 0.8 * all.distortion, options);
    expect(hopeless.ridges.length).toBeLessThan(all.ridges.length);
    expect(hopeless.ridges.length).toBeGreaterThan(0);
  });
});

describe("codebooks of full dimension", () => {
  it("stand for the same rows as a product quantizer's, also behind a rotation", async () => {
    const rows = mixedRows(1, 200, 6);
    for (const spec of ["pq3x8", "opq3x8", "center>pq2x8", "rq2x8"]) {
      const model = await quantizers.fit(spec, rows, { backend: reference });
      const codebooks = await additiveCodebooks(model);
      const codes = await model.encode(rows, { backend: reference });
      const decoded = await model.decode(codes);
      const sums = await new ResidualModel(vqLevels(codebooks)).decode(codes);
      sums.data.forEach((value, i) => expect(value).toBeCloseTo(decoded.data[i]!, 4));
    }
  });

  it("are sorted from coarse to fine, with their means in the first one", async () => {
    const codebooks = [1, 5, 3].map((scale, l) => {
      const { data } = gaussianMatrix(4, 3, { seed: l });
      return matrix(
        data.map((value) => scale * value + 10),
        3,
      );
    });
    const sorted = coarseToFine(codebooks);
    const decode = async (books: readonly Matrix[], code: readonly number[]) => {
      const model = new ResidualModel(vqLevels(books));
      return (await model.decode(new Codes(code, [4, 4, 4]))).data;
    };
    const before = await decode(codebooks, [1, 2, 3]);
    (await decode(sorted, [2, 3, 1])).forEach((value, j) =>
      expect(value).toBeCloseTo(before[j]!, 4),
    );
    for (const { data } of sorted.slice(1)) {
      expect(Math.abs(data.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-4);
    }
  });
});

describe("rq…(refine=joint) and aq…", () => {
  let backend: ComputeBackend;
  beforeAll(async () => {
    backend = await pickBackend({ name: "cpu" });
  });
  afterAll(() => backend.dispose());

  it.each([
    ["groups that are independent", (seed: number) => productRows(seed, 2000, 4, 4)],
    ["correlated dimensions", (seed: number) => mixedRows(seed, 2000, 16)],
    ["no structure", (seed: number) => gaussianMatrix(2000, 16, { seed })],
  ])("is no worse than RQ, PQ and OPQ at equal bits on held-out rows: %s", async (_, draw) => {
    const rows = draw(1);
    const heldOut = draw(2);
    const of = async (spec: string, options: FitOptions = {}) =>
      distortionOf(await quantizers.fit(spec, rows, { backend, ...options }), heldOut, backend);
    const refined = await of("rq4x16(refine=joint)");
    const additive = await of("aq4x16");
    const searched = await of("rq4x16", { beam: 8 });
    expect(refined).toBeLessThanOrEqual(1.002 * searched);
    for (const distortion of [
      refined,
      searched,
      await of("rq4x16"),
      await of("pq4x16"),
      await of("opq4x16"),
    ]) {
      expect(additive).toBeLessThanOrEqual(1.002 * distortion);
    }
  });

  it.each([
    ["independent groups", (seed: number, rows: number) => productRows(seed, rows, 2, 3)],
    ["correlated dimensions", (seed: number, rows: number) => mixedRows(seed, rows, 6)],
    ["no structure", (seed: number, rows: number) => gaussianMatrix(rows, 6, { seed })],
  ])("is no worse than any start on outside rows, few or many learned: %s", async (_, draw) => {
    const outside = draw(2, 20_000);
    // The more rows decide, the less is left to the accidents of a sample.
    for (const [count, slack] of [
      [60, 1.06],
      [900, 1.03],
      [34_000, 1.002],
    ] as const) {
      for (const seed of [0, 1]) {
        const rows = draw(10 + seed, count);
        const of = async (spec: string, options: FitOptions = {}) =>
          distortionOf(
            await quantizers.fit(spec, rows, { backend, seed, ...options }),
            outside,
            backend,
          );
        const others = [
          await of("rq2x4"),
          await of("rq2x4", { beam: 8 }),
          await of("pq2x4"),
          await of("opq2x4"),
        ];
        expect(await of("aq2x4")).toBeLessThanOrEqual(slack * Math.min(...others));
      }
    }
  });

  it("is the start itself, fitted to all rows, where there are many and refinement does not help", async () => {
    // Each row is one of four sums, so nothing is left over.
    const corners = gaussianMatrix(2, 3, { seed: 1 }).data;
    const rows = matrix(
      Array.from({ length: 4096 }, (_, i) =>
        Float32Array.from(
          { length: 6 },
          (_, j) => corners[j < 3 ? 3 * (i % 2) + j : (i >> 1) % 2 === 0 ? j - 3 : j]!,
        ),
      ),
    );
    const model = (await quantizers.fit("aq2x2", rows, { backend })) as ResidualModel;
    const product = await quantizers.fit("pq2x2", rows, { backend });
    expect(model.facts).toMatchObject({ rounds: 0 });
    const exact = await distortionOf(product, rows, backend);
    expect(await distortionOf(model, rows, backend)).toBeLessThanOrEqual(exact + 1e-9);
  });

  it("of many rows, a stream gives the same, and what is not finite is named", async () => {
    const rows = mixedRows(7, 3000, 3);
    const model = await quantizers.fit("aq3x2", rows, { backend });
    const streamed = await quantizers.fit("aq3x2", stream(rows, 700), { backend });
    expect(streamed.save()).toEqual(model.save());
    const bad = { ...rows, data: rows.data.slice() };
    bad.data[2900 * 3] = Number.NaN;
    for (const input of [bad, stream(bad, 700)]) {
      await expect(quantizers.fit("aq3x2", input, { backend })).rejects.toMatchObject({
        row: 2900,
      });
    }
  });

  it("keeps the product's solution where nothing is better", async () => {
    const rows = productRows(3, 600, 2, 8);
    const model = (await quantizers.fit("aq2x12", rows, { backend })) as ResidualModel;
    const product = await quantizers.fit("pq2x12", rows, { backend });
    expect(["pq", "opq"]).toContain(model.facts.start);
    const heldOut = productRows(4, 600, 2, 8);
    expect(await distortionOf(model, heldOut, backend)).toBeLessThanOrEqual(
      1.002 * (await distortionOf(product, heldOut, backend)),
    );
  });

  it("is the residual quantizer itself where no round helps", async () => {
    // As many codewords as rows: nothing is left over.
    const rows = gaussianMatrix(40, 4, { seed: 1 });
    const model = (await own.fit("rq2x40(refine=joint)", rows, {
      backend: reference,
    })) as ResidualModel;
    const plain = (await own.fit("rq2x40", rows, {
      backend: reference,
      beam: 8,
    })) as ResidualModel;
    expect(model.facts).toMatchObject({ start: "rq", rounds: 0, beam: 8 });
    model.levels.forEach((level, l) => {
      const codebook = (plain.levels[l] as VqModel).codebook;
      expect((level as VqModel).codebook.data).toEqual(codebook.data);
    });
  });

  it("takes levels of any sizes, and a start that the rows' width allows", async () => {
    const rows = mixedRows(1, 300, 5);
    const uneven = (await own.fit("(vq16+vq8+vq4)(refine=joint)", rows, {
      backend: reference,
    })) as ResidualModel;
    expect(uneven.spec.refine).toBe("joint");
    expect(uneven.cardinalities).toEqual([16, 8, 4]);
    const distortions = uneven.facts.distortionPerLevel!;
    distortions.slice(1).forEach((d, l) => expect(d).toBeLessThan(distortions[l]!));
    // Five dimensions do not divide into two groups.
    const model = (await own.fit("aq2x8", rows, { backend: reference })) as ResidualModel;
    expect(model.facts.start).toBe("rq");
    const even = mixedRows(1, 300, 6);
    await expect(own.fit("aq2x8", even, { backend: reference })).rejects.toThrow(MissingPartError);
    const nested = await own.fit("vq4+(vq8+vq4)(refine=joint)", rows, { backend: reference });
    expect(nested.prefixes).toEqual([1, 2, 3]);
    expect(own.load(nested.save()).save()).toEqual(nested.save());
  });

  it("gives the same bits for the same seed, any threads, and a stream of the rows; facts are saved", async () => {
    const rows = mixedRows(2, 500, 8);
    const bytes = (await quantizers.fit("aq4x8", rows, { backend, seed: 3 })).save();
    const one = await pickBackend({ name: "cpu", threads: 1 });
    try {
      expect((await quantizers.fit("aq4x8", rows, { backend: one, seed: 3 })).save()).toEqual(
        bytes,
      );
    } finally {
      one.dispose();
    }
    const streamed = await quantizers.fit("aq4x8", stream(rows, 77), { backend, seed: 3 });
    expect(streamed.save()).toEqual(bytes);
    const loaded = quantizers.load(bytes) as ResidualModel;
    expect(loaded.save()).toEqual(bytes);
    expect(loaded.spec.start).toBe("best");
    expect(loaded.facts.rounds).toBeGreaterThan(0);
  });

  it("works where the backend cannot search, and leaves no tensors", async () => {
    const minimal = createReferenceBackend({ minimal: true });
    const rows = mixedRows(2, 120, 4);
    await expectNoLeaks(minimal, async () => {
      const model = await quantizers.fit("aq2x8", rows, { backend: minimal, beam: 2 });
      expect((model as ResidualModel).beam).toBe(2);
    });
  });

  it("names the row that is not finite, and stops on abort at any time", async () => {
    const rows = mixedRows(3, 200, 4);
    const bad = { ...rows, data: rows.data.slice() };
    bad.data[150 * 4 + 1] = Number.NaN;
    for (const spec of ["aq2x8", "rq2x8(refine=joint)"]) {
      await expect(quantizers.fit(spec, bad, { backend })).rejects.toMatchObject({ row: 150 });
    }
    for (const stopAfter of [1, 30, 60]) {
      const controller = new AbortController();
      let seen = 0;
      await expectNoLeaks(reference, async () => {
        const fitting = quantizers.fit("aq2x8", rows, {
          backend: reference,
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
