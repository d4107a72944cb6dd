import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { Codes, type Matrix, Random } from "@tessera/core";
import { PqModel } from "@tessera/pq";
import { VqModel } from "@tessera/vq";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codeNorms, NormTables, quantizeNorms, ResidualModel, restoreNorms } from "./index.js";

const backend = createReferenceBackend();

function residualModel(seed: number, sizes: readonly number[], cols: number): ResidualModel {
  return new ResidualModel(
    sizes.map(
      (codebookSize, l) =>
        new VqModel(
          { kind: "vq", codebookSize },
          gaussianMatrix(codebookSize, cols, { seed: seed + l }),
        ),
    ),
  );
}

function randomCodes(seed: number, rows: number, sizes: readonly number[]): Codes {
  const random = new Random(seed);
  return new Codes(
    Array.from({ length: rows }, () => sizes.map((size) => random.integer(size))).flat(),
    sizes,
  );
}

function squares({ data, rows, cols }: Matrix): number[] {
  return Array.from({ length: rows }, (_, i) =>
    data.subarray(i * cols, (i + 1) * cols).reduce((sum, value) => sum + value * value, 0),
  );
}

const seeds = fc.integer({ min: 0, max: 1e6 });
const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 });

describe("norms of codes", () => {
  it("are those of the decoded rows, of all columns and of prefixes, exactly and by tables", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, sizes, async (seed, sizes) => {
        const model = residualModel(seed, sizes, 5);
        const tables = new NormTables(model);
        const all = randomCodes(seed, 12, sizes);
        for (const columns of model.prefixes) {
          const codes = all.prefix(columns);
          const exact = squares(await model.decode(codes));
          const norms = codeNorms(model, codes);
          exact.forEach((norm, i) => expect(norms[i]).toBeCloseTo(norm, 4));
          tables.norms(codes).forEach((norm, i) => expect(norm).toBeCloseTo(exact[i]!, 3));
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are found for product quantizers too, whose groups share no dimension", async () => {
    const codebooks = [1, 2, 3].map((seed) => gaussianMatrix(6, 2, { seed }));
    const model = new PqModel(codebooks);
    const codes = randomCodes(4, 30, model.cardinalities);
    const exact = squares(await model.decode(codes));
    const norms = codeNorms(model, codes);
    new NormTables(model).norms(codes).forEach((norm, i) => {
      expect(norm).toBeCloseTo(exact[i]!, 4);
      expect(norms[i]).toBeCloseTo(exact[i]!, 4);
    });
  });

  it("make distances of queries with the products of query and codewords", async () => {
    const model = residualModel(5, [8, 8, 8], 6);
    const rows = gaussianMatrix(20, 6, { seed: 9 });
    const query = gaussianMatrix(1, 6, { seed: 10 }).data;
    const codes = await model.encode(rows, { backend });
    const decoded = await model.decode(codes);
    const norms = codeNorms(model, codes);
    const own = query.reduce((sum, value) => sum + value * value, 0);
    for (let i = 0; i < 20; i++) {
      let products = 0;
      model.terms!.forEach(({ column, codebook }) => {
        for (let j = 0; j < 6; j++) {
          products += query[j]! * codebook.data[codes.row(i)[column]! * 6 + j]!;
        }
      });
      let distance = 0;
      for (let j = 0; j < 6; j++) distance += (query[j]! - decoded.data[i * 6 + j]!) ** 2;
      expect(own - 2 * products + norms[i]!).toBeCloseTo(distance, 4);
    }
  });

  it("are off by half a step at most in a byte, and clamped to a range that is given", () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: 0, max: 1000, noNaN: true }), { maxLength: 50 }),
        (values) => {
          const norms = Float32Array.from(values);
          const quantized = quantizeNorms(norms);
          restoreNorms(quantized).forEach((norm, i) => {
            expect(Math.abs(norm - norms[i]!)).toBeLessThanOrEqual(quantized.step / 2 + 1e-4);
          });
        },
      ),
    );
    const { codes, lower, step } = quantizeNorms(Float32Array.of(-1, 0, 51, 600), {
      lower: 0,
      upper: 510,
    });
    expect([...codes, lower, step]).toEqual([0, 0, 26, 255, 0, 2]);
  });

  it("says what is wrong: models that are no sums, codes of others, tables too large, norms not finite", () => {
    const model = residualModel(1, [4, 4], 3);
    const { dimension, cardinalities, prefixes } = model;
    const opaque = { dimension, cardinalities, prefixes };
    expect(() => codeNorms(opaque, randomCodes(1, 3, [4, 4]))).toThrow(/sums of codewords/);
    expect(() => new NormTables(opaque)).toThrow(/sums of codewords/);
    expect(() => codeNorms(model, randomCodes(1, 3, [4, 4, 4]))).toThrow(/3 columns/);
    expect(() => new NormTables(model).norms(new Codes([5, 0], [8, 4]))).toThrow(/code 5/);
    expect(() => new NormTables(residualModel(1, [2 ** 14, 2 ** 14], 1))).toThrow(/268435456/);
    expect(() => quantizeNorms(Float32Array.of(1, Number.NaN))).toThrow(/1/);
  });
});
