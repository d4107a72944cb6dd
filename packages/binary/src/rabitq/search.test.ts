import {
  ArgumentError,
  createQuantizers,
  decodeSafetensors,
  distortion,
  encodeSafetensors,
  evaluate,
  FormatError,
  type Matrix,
  matrix,
  parseSpec,
  ShapeError,
  SpecError,
} from "@tessera/core";
import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { type TransformedModel, transformedPart } from "@tessera/transforms";
import { describe, expect, it } from "vitest";
import {
  estimateDistances,
  estimateInnerProducts,
  type Estimates,
  fitRabitq,
  keepNorms,
  quantizers,
  RabitqModel,
  signPart,
} from "../index.js";

const backend = createReferenceBackend();
const rows = gaussianMatrix(60, 24, { seed: 1, mean: 0.5 });
const queries = gaussianMatrix(5, 24, { seed: 2, mean: 0.3 });

/** The true values of every query and row. */
function exact(pair: (x: number, y: number) => number): number[] {
  const values: number[] = [];
  for (let i = 0; i < queries.rows; i++) {
    for (let r = 0; r < rows.rows; r++) {
      let sum = 0;
      for (let j = 0; j < 24; j++) sum += pair(queries.data[i * 24 + j]!, rows.data[r * 24 + j]!);
      values.push(sum);
    }
  }
  return values;
}

const distances = exact((x, y) => (x - y) ** 2);
const products = exact((x, y) => x * y);

function outside({ estimates, bounds }: Estimates, truth: readonly number[]): number {
  return truth.filter((value, at) => Math.abs(value - estimates.data[at]!) > bounds.data[at]!)
    .length;
}

describe("fitRabitq", () => {
  it("keeps the lengths that normalize takes off, about the centre", async () => {
    for (const bits of [1, 4]) {
      const model = await fitRabitq(rows, { bits, backend });
      expect(model.spec).toEqual(parseSpec(bits === 1 ? "rabitq" : "rabitq(bits=4)"));
      const { relativeDistortion } = await evaluate(model, rows, { backend });
      // The signs of a Gaussian row keep 2/π of its energy.
      expect(relativeDistortion).toBeLessThan(bits === 1 ? 0.42 : 0.02);
      const without = await quantizers.fit("center>rotation>sign(estimator=rabitq)", rows, {
        backend,
      });
      expect((await evaluate(without, rows, { backend })).relativeDistortion).toBeLessThan(0.42);
    }
  });

  it("says what is wrong with its options", async () => {
    await expect(fitRabitq(rows, { bits: 10, backend })).rejects.toThrow(SpecError);
    const rotation = "givens" as "dense";
    await expect(fitRabitq(rows, { rotation, backend })).rejects.toThrow(/rotation is "givens"/);
  });

  it("leaves other normalize specs as they are", async () => {
    const model = await quantizers.fit("normalize>pca8>sign(estimator=rabitq)", rows, { backend });
    const decoded = await model.decode(await model.encode(rows, { backend }), { backend });
    const norms = Array.from({ length: rows.rows }, (_, i) =>
      Math.hypot(...decoded.data.subarray(i * 24, (i + 1) * 24)),
    );
    expect(Math.max(...norms)).toBeLessThan(1.1);
    const signs = await quantizers.fit("normalize>rotation>sign", rows, { backend });
    expect((await signs.encode(rows, { backend })).columns).toBe(24);
  });

  it("is saved and loaded, whichever rotation", async () => {
    for (const rotation of ["dense", "hadamard"] as const) {
      const model = await fitRabitq(rows, { rotation, bits: 2, backend, seed: 5 });
      const loaded = quantizers.load(model.save());
      expect(loaded.save()).toEqual(model.save());
      const codes = await model.encode(rows, { backend });
      expect(await loaded.encode(rows, { backend })).toEqual(codes);
      expect(codes.columns).toBe((rotation === "dense" ? 24 : 32) + 8);
      expect((await loaded.decode(codes, { backend })).data).toEqual(
        (await model.decode(codes, { backend })).data,
      );
      const again = await fitRabitq(rows, { rotation, bits: 2, backend, seed: 5 });
      expect(again.save()).toEqual(model.save());
    }
  });

  it("refuses a file with a dimension that is none", async () => {
    const { load } = createQuantizers([signPart]);
    const bytes = new RabitqModel({ kind: "sign", estimator: "rabitq" }, 3).save();
    expect(load(bytes).dimension).toBe(3);
    const { metadata } = decodeSafetensors(bytes);
    for (const dimension of [0, 1.5, 2 ** 30, "3", null]) {
      const remade = encodeSafetensors({}, { ...metadata, facts: JSON.stringify({ dimension }) });
      expect(() => load(remade)).toThrow(FormatError);
    }
  });
});

describe("estimates", () => {
  it.each(["rabitq", "rabitq(bits=3)", "center>normalize>hadamard>sign(estimator=rabitq)"])(
    "of %s lie within their bounds of the exact distances and products",
    async (spec) => {
      const model = await quantizers.fit(spec, rows, { backend });
      const codes = await model.encode(rows, { backend });
      for (const queryBits of [undefined, 4, 8] as const) {
        const options = { backend, epsilon: 3.5, queryBits };
        const l2 = await estimateDistances(model, queries, codes, options);
        expect([l2.estimates.rows, l2.bounds.cols]).toEqual([5, 60]);
        expect(outside(l2, distances)).toBe(0);
        expect(outside(await estimateInnerProducts(model, queries, codes, options), products)).toBe(
          0,
        );
      }
      // Bounds that are not met say nothing: at a third of a deviation most estimates are outside.
      const narrow = await estimateDistances(model, queries, codes, { backend, epsilon: 0.1 });
      expect(outside(narrow, distances)).toBeGreaterThan(distances.length / 2);
    },
  );

  it("agree with what a precise model decodes", async () => {
    const model = await fitRabitq(rows, { bits: 9, backend });
    const codes = await model.encode(rows, { backend });
    const decoded = await model.decode(codes, { backend });
    expect(distortion(decoded, rows)).toBeLessThan(1e-3);
    const { estimates } = await estimateDistances(model, queries, codes, { backend });
    const ip = await estimateInnerProducts(model, queries, codes, { backend });
    distances.forEach((value, at) => {
      expect(estimates.data[at]).toBeCloseTo(value, 0);
      expect(Math.abs(ip.estimates.data[at]! - products[at]!)).toBeLessThan(0.2);
    });
  });

  it("have no bias over the rotations of the models", async () => {
    const errors: number[] = [];
    const few: Matrix = { data: rows.data.subarray(0, 24), rows: 1, cols: 24 };
    for (let seed = 0; seed < 200; seed++) {
      const model = await quantizers.fit("rotation>sign(estimator=rabitq)", few, { backend, seed });
      const codes = await model.encode(few, { backend });
      const { estimates } = await estimateDistances(model, queries, codes, { backend });
      errors.push(estimates.data[0]! - distances[0]!);
    }
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const variance = errors.reduce((sum, e) => sum + (e - mean) ** 2, 0) / errors.length;
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(variance / errors.length));
    expect(variance).toBeGreaterThan(0);
  });

  it("are those of models that have them", async () => {
    const signs = await quantizers.fit("rotation>sign", rows, { backend });
    const codes = await signs.encode(rows, { backend });
    await expect(estimateDistances(signs, queries, codes, { backend })).rejects.toThrow(
      ArgumentError,
    );
    const pca = await quantizers.fit("pca8>rabitq", rows, { backend });
    const pcaCodes = await pca.encode(rows, { backend });
    await expect(estimateDistances(pca, queries, pcaCodes, { backend })).rejects.toThrow(
      /pca before RaBitQ/,
    );
    const { quantizer } = pca as TransformedModel;
    const inner = await estimateDistances(quantizer, matrix(new Float32Array(8), 8), pcaCodes, {
      backend,
    });
    expect(inner.estimates.cols).toBe(60);
    const model = await fitRabitq(rows, { backend });
    await expect(
      estimateDistances(model, matrix([[1, 2]]), await model.encode(rows, { backend })),
    ).rejects.toThrow(ShapeError);
  });

  it("take a plain part for transforms as well", async () => {
    const { fit } = createQuantizers([signPart, keepNorms(transformedPart)]);
    const model = await fit("rabitq", rows, { backend });
    expect(model.dimension).toBe(24);
  });
});
