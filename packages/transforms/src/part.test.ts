import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  ArgumentError,
  createQuantizers,
  decodeSafetensors,
  encodeBatches,
  encodeSafetensors,
  evaluate,
  expectNoLeaks,
  FormatError,
  type HostTensor,
  isMatrix,
  type Matrix,
  MissingPartError,
  type Model,
  NonFiniteError,
  parseSpec,
  printSpec,
  type Rows,
  ShapeError,
  SpecError,
  toSpec,
  transformed,
  type TransformSpec,
} from "@tessera/core";
import { residualPart } from "@tessera/rq";
import { VqModel, vqPart } from "@tessera/vq";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { correlatedRows, difference, stream } from "../test/rows.js";
import { plainSplitPart } from "../test/split.js";
import {
  CenterTransform,
  createTransformedPart,
  NormalizeTransform,
  TransformedModel,
  transformedPart,
  transformParts,
  transformRows,
} from "./index.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([vqPart, residualPart, plainSplitPart, transformedPart]);

const chains: fc.Arbitrary<readonly TransformSpec[]> = fc.array(
  fc.constantFrom<TransformSpec>(
    { kind: "center" },
    { kind: "normalize" },
    { kind: "rotation" },
    { kind: "hadamard" },
    { kind: "pca", dimension: 4 },
    { kind: "pca", dimension: 4, whiten: true },
  ),
  { minLength: 1, maxLength: 3 },
);
const behind = fc.constantFrom("vq8", "rq2x4", "pq2x4", "opq2x4", "vq4+(rotation>vq4)");

describe("t > q", () => {
  it("composes: any chain before any quantizer encodes, decodes, saves and loads", async () => {
    await fc.assert(
      fc.asyncProperty(chains, behind, fc.integer({ min: 0, max: 99 }), async (chain, q, seed) => {
        const spec = transformed(chain, q);
        const rows = correlatedRows(seed, 40, 6);
        await expectNoLeaks(backend, async () => {
          const model = await quantizers.fit(spec, rows, { backend, seed });
          expect(model.spec).toEqual(spec);
          expect(parseSpec(printSpec(model.spec))).toEqual(spec);
          expect(toSpec(JSON.parse(JSON.stringify(model.spec)))).toEqual(spec);
          const codes = await model.encode(rows, { backend });
          expect([codes.rows, codes.columns]).toEqual([40, model.cardinalities.length]);
          const decoded = await model.decode(codes, { backend });
          expect([decoded.rows, decoded.cols]).toEqual([40, 6]);
          const bytes = model.save();
          const loaded = quantizers.load(bytes);
          expect(loaded.save()).toEqual(bytes);
          expect((await loaded.encode(rows, { backend })).data).toEqual(codes.data);
          expect((await loaded.decode(codes, { backend })).data).toEqual(decoded.data);
        });
      }),
      { numRuns: 40 },
    );
  });

  it("gives the same model from a stream of any batches, and codes that mind no batch", async () => {
    const rows = correlatedRows(1, 60, 6);
    for (const spec of [
      "center>vq4",
      "hadamard>rq2x4",
      "pca3(whiten=true)>vq4",
      "center>normalize>rotation>vq4",
      "opq2x4",
    ]) {
      const model = await quantizers.fit(spec, rows, { backend });
      const streamed = await quantizers.fit(spec, stream(rows, 7), { backend });
      expect(streamed.save()).toEqual(model.save());
      const codes = await model.encode(rows, { backend });
      expect((await model.encode(stream(rows, 11), { backend })).data).toEqual(codes.data);
      const parts: number[] = [];
      for await (const part of encodeBatches(model, rows, { backend, batchRows: 13 })) {
        parts.push(...part.data);
      }
      expect(parts).toEqual([...codes.data]);
    }
  });

  it("measures distortion among the rows that went in", async () => {
    const rows = correlatedRows(2, 80, 6);
    const model = (await quantizers.fit("pca2>rotation>rq2x8", rows, {
      backend,
    })) as TransformedModel;
    const result = await evaluate(model, rows, { backend });
    expect(result.distortionPerLevel).toHaveLength(2);
    const inner = (await transformRows(model.transform, rows, { backend })) as Matrix;
    const projected = await evaluate(model.quantizer, inner, { backend });
    const back = await model.transform.invert(inner, { backend });
    const lost = back.data.reduce((sum, value, i) => sum + (value - rows.data[i]!) ** 2, 0) / 80;
    // What the projection loses is at right angles to what the codes lose.
    expect(result.distortion).toBeCloseTo(projected.distortion + lost, 4);
    const unit = (await quantizers.fit("normalize>vq8", rows, { backend })) as TransformedModel;
    const decoded = await unit.decode(await unit.encode(rows, { backend }));
    expect(
      difference(
        decoded.data,
        (await unit.quantizer.decode(await unit.encode(rows, { backend }))).data,
      ),
    ).toBe(0);
  });

  it("shows its two halves, so that a search can transform the query", async () => {
    const rows = correlatedRows(3, 60, 6);
    const query = correlatedRows(4, 1, 6);
    const model = (await quantizers.fit("center>rotation>pq2x8", rows, {
      backend,
    })) as TransformedModel;
    let q: Matrix = query;
    let inner: Model = model;
    while (inner instanceof TransformedModel) {
      expect(inner.transform.isometric).toBe(true);
      q = await inner.transform.apply(q, { backend });
      inner = inner.quantizer;
    }
    const codes = await model.encode(rows, { backend });
    const decoded = await model.decode(codes, { backend });
    for (let i = 0; i < rows.rows; i++) {
      let table = 0;
      for (const { column, offset, codebook } of inner.terms!) {
        const code = codes.row(i)[column]!;
        for (let j = 0; j < codebook.cols; j++) {
          table += (q.data[offset + j]! - codebook.data[code * codebook.cols + j]!) ** 2;
        }
      }
      let exact = 0;
      for (let j = 0; j < 6; j++) exact += (query.data[j]! - decoded.data[i * 6 + j]!) ** 2;
      expect(table).toBeCloseTo(exact, 4);
    }
  });

  it("decodes prefixes of codes", async () => {
    const rows = correlatedRows(5, 50, 4);
    const model = await quantizers.fit("hadamard>rq3x4", rows, { backend });
    expect(model.prefixes).toEqual([1, 2, 3]);
    const { distortionPerLevel } = await evaluate(model, rows, { backend });
    expect(distortionPerLevel[2]).toBeLessThan(distortionPerLevel[0]!);
  });

  it("fits on a sample, of a stream that can be read only once too", async () => {
    const rows = correlatedRows(6, 300, 4);
    const options = { backend, sample: 60 };
    const model = await quantizers.fit("pca2>vq4", rows, options);
    const once = (async function* () {
      yield rows;
    })();
    expect((await quantizers.fit("pca2>vq4", once, options)).save()).toEqual(model.save());
    await expect(quantizers.fit("pca2>vq4", once, { backend })).rejects.toThrow(ArgumentError);
  });

  it("draws other rotations for other seeds and places", async () => {
    const rows = correlatedRows(7, 30, 4);
    const spec = "rotation>rotation>vq2";
    const fit = async (seed: number) =>
      (await quantizers.fit(spec, rows, { backend, seed })) as TransformedModel;
    const model = await fit(0);
    const inner = (model.quantizer as TransformedModel).transform;
    expect(model.transform.tensors()).not.toEqual(inner.tensors());
    expect((await fit(1)).transform.tensors()).not.toEqual(model.transform.tensors());
    expect((await fit(0)).save()).toEqual(model.save());
  });

  it("names rows that are not finite, in fitting and in encoding", async () => {
    const rows = gaussianMatrix(50, 4, { seed: 8 });
    const specs = [
      "center>vq2",
      "normalize>vq2",
      "rotation>vq2",
      "hadamard>vq2",
      "pca2>vq2",
      "opq2x2",
    ];
    for (const spec of specs) {
      const model = await quantizers.fit(spec, rows, { backend });
      const bad = { ...rows, data: rows.data.slice() };
      bad.data[4 * 31 + 2] = Number.NaN;
      for (const input of [bad, stream(bad, 7)] as Rows[]) {
        await expect(quantizers.fit(spec, input, { backend })).rejects.toMatchObject({ row: 31 });
        if (spec.startsWith("opq") && !isMatrix(input)) continue;
        const encoding = model.encode(input, { backend });
        await expect(encoding).rejects.toThrow(NonFiniteError);
        await expect(encoding).rejects.toMatchObject({ row: 31 });
      }
    }
  });

  it("stops on abort and leaves no tensors", async () => {
    const rows = correlatedRows(9, 200, 8);
    for (const spec of ["pca4>vq4", "opq2x8", "rotation>vq8"]) {
      for (const stopAfter of [1, 2, 4]) {
        const controller = new AbortController();
        let seen = 0;
        await expectNoLeaks(backend, async () => {
          const fitting = quantizers.fit(spec, rows, {
            backend,
            tolerance: 0,
            signal: controller.signal,
            onProgress: () => {
              if (++seen === stopAfter) controller.abort();
            },
          });
          await fitting.then(
            () => expect(seen).toBeLessThan(stopAfter),
            (error: unknown) => expect(error).toBeInstanceOf(AbortedError),
          );
        });
      }
    }
  });
});

describe("what is refused before anything is fitted", () => {
  const never: Rows = {
    [Symbol.asyncIterator]() {
      throw new Error("rows were read");
    },
  };

  it("transforms of other packages, by their name", async () => {
    await expect(quantizers.fit("ae(8,4)>vq4", never)).rejects.toThrow(MissingPartError);
    await expect(quantizers.fit("vq4+(ae(8,4)>vq4)", never)).rejects.toThrow(
      /"ae\(8,4\)>…" is run by @tessera\/rqvae/,
    );
    const model = new TransformedModel(
      new CenterTransform({ data: new Float32Array(2), rows: 1, cols: 2 }),
      new VqModel({ kind: "vq", codebookSize: 1 }, gaussianMatrix(1, 2)),
    );
    const few = createQuantizers([vqPart, createTransformedPart(transformParts.slice(1))]);
    expect(() => few.load(model.save())).toThrow(/"center>…"/);
  });

  it("opq without groups behind it", async () => {
    for (const spec of ["opq>vq4", "opq>rq2x4", "opq>pca4>pq2x4"]) {
      await expect(quantizers.fit(spec, never)).rejects.toThrow(SpecError);
    }
    await expect(quantizers.fit("opq>vq4", never)).rejects.toThrow("opq stands before vq4");
    const rows = correlatedRows(10, 40, 4);
    for (const spec of ["opq>vq4+pq2x4", "opq>center>pq2x4", "opq>split2(rq2x4)"]) {
      expect((await quantizers.fit(spec, rows, { backend })).spec).toEqual(parseSpec(spec));
    }
  });
});

describe("a file that lies", () => {
  const rows = correlatedRows(11, 40, 6);
  async function remade(
    spec: string,
    change: (tensors: Map<string, HostTensor>) => void,
    says = spec,
  ): Promise<Uint8Array> {
    const { tensors, metadata } = decodeSafetensors(
      (await quantizers.fit(spec, rows, { backend })).save(),
    );
    const changed = new Map(tensors);
    change(changed);
    return encodeSafetensors(Object.fromEntries(changed), {
      ...metadata,
      spec: JSON.stringify(toSpec(says)),
    });
  }
  const f32 = (shape: readonly number[], value = 0.5): HostTensor => ({
    dtype: "F32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });

  it.each([
    ["center>vq2", "transform.mean", undefined, "no tensor"],
    ["center>vq2", "transform.mean", f32([1, 5]), "gives rows of 5 values"],
    ["center>vq2", "transform.mean", f32([1, 6], Number.NaN), "not finite"],
    ["rotation>vq2", "transform.rotation", f32([6, 6]), "not orthonormal"],
    ["rotation>vq2", "transform.rotation", f32([6, 7]), "not square"],
    ["rotation>vq2", "transform.rotation", f32([5, 5]), "needs F32 [6, d]"],
    ["hadamard>vq2", "transform.signs", f32([1, 6]), "0.5 among them"],
    ["hadamard>vq2", "transform.signs", f32([1, 9], 1), "gives rows of 16 values"],
    ["pca2>vq2", "transform.components", f32([2, 6]), "not orthonormal"],
    ["pca2>vq2", "transform.components", f32([2, 1]), "the mean has 6 values"],
    ["pca2>vq2", "transform.mean", f32([1, 3]), "the mean has 3 values"],
    ["pca2(whiten=true)>vq2", "transform.deviations", f32([1, 2], 0), "above 0"],
    ["pca2(whiten=true)>vq2", "transform.deviations", f32([1, 3], 1), "2 values"],
    ["opq2x2", "transform.rotation", f32([6, 6], 0), "not orthonormal"],
    ["normalize>vq2", "quantizer.codebook", undefined, "no tensor"],
  ])("is refused: %s with another %s", async (spec, name, tensor, problem) => {
    const bytes = await remade(spec, (tensors) => {
      if (tensor) tensors.set(name, tensor);
      else tensors.delete(name);
    });
    expect(() => quantizers.load(bytes)).toThrow(FormatError);
    expect(() => quantizers.load(bytes)).toThrow(problem);
  });

  it("is refused if its spec is of another transform", async () => {
    const bytes = await remade("pca3>vq2", () => undefined, "pca2>vq2");
    expect(() => quantizers.load(bytes)).toThrow(FormatError);
  });
});

describe("TransformedModel", () => {
  it("refuses halves that do not fit", () => {
    const model = new VqModel({ kind: "vq", codebookSize: 1 }, gaussianMatrix(1, 3));
    expect(() => new TransformedModel(new NormalizeTransform(2), model)).toThrow(ShapeError);
  });
});
