import {
  AbortedError,
  ArgumentError,
  CodeRangeError,
  Codes,
  createQuantizers,
  encodeBatches,
  evaluate,
  expectNoLeaks,
  type Matrix,
  matrix,
  NonFiniteError,
  ShapeError,
  sliceRows,
  tieTolerance,
  type VqSpec,
} from "@tessera/core";
import {
  createReferenceBackend,
  gaussianMatrix,
  referenceDistance,
} from "@tessera/backend-testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { onceOnly, stream } from "../test/rows.js";
import { fitVq, VqModel, vqPart } from "./index.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([vqPart]);

function normalRows(seed: number, rows: number, cols: number): Matrix {
  return gaussianMatrix(rows, cols, { seed });
}

const square = new VqModel(
  { kind: "vq", codebookSize: 4 },
  matrix([
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ]),
);

describe("VqModel", () => {
  it("encodes rows as their nearest codewords and decodes them back", async () => {
    const codes = await square.encode(
      matrix([
        [0.9, 0.2],
        [0.1, 0.8],
        [2, 2],
      ]),
      { backend },
    );
    expect([...codes.data]).toEqual([1, 2, 3]);
    expect(codes.cardinalities).toEqual([4]);
    const decoded = await square.decode(codes);
    expect([...decoded.data]).toEqual([1, 0, 0, 1, 1, 1]);
  });

  it("describes itself as one term", () => {
    expect(square.prefixes).toEqual([1]);
    expect(square.terms).toEqual([{ column: 0, offset: 0, codebook: square.codebook }]);
  });

  it("assigns by direction under cosine, by inner product under ip", async () => {
    const rows = matrix([
      [0.1, 0],
      [5, 6],
    ]);
    const cosine = new VqModel(
      { kind: "vq", codebookSize: 2, metric: "cosine" },
      matrix([
        [1, 0],
        [0, 1],
      ]),
    );
    expect([...(await cosine.encode(rows, { backend })).data]).toEqual([0, 1]);
    const ip = new VqModel(
      { kind: "vq", codebookSize: 2, metric: "ip" },
      matrix([
        [1, 0],
        [9, 0],
      ]),
    );
    expect([...(await ip.encode(rows, { backend })).data]).toEqual([1, 1]);
  });

  it("encodes no rows as no codes", async () => {
    const none = { data: new Float32Array(0), rows: 0, cols: 2 };
    expect((await square.encode(none, { backend })).rows).toBe(0);
  });

  it("encodes a stream as the matrix of its rows, whatever the batches, and reports progress", async () => {
    const rows = normalRows(1, 50, 2);
    const expected = await square.encode(rows, { backend });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), async (size) => {
        expect((await square.encode(stream(rows, size), { backend })).data).toEqual(expected.data);
        const parts: number[] = [];
        for await (const codes of encodeBatches(square, rows, { backend, batchRows: size })) {
          parts.push(...codes.data);
        }
        expect(parts).toEqual([...expected.data]);
      }),
      { numRuns: 15 },
    );
    const done: number[] = [];
    await square.encode(rows, { backend, onProgress: (progress) => done.push(progress.done) });
    expect(done).toEqual([50]);
  });

  it("works through several device batches, and names the row of the whole that is not finite", async () => {
    const cols = 1024;
    const rows = normalRows(2, 2 ** 13 + 10, cols);
    const model = new VqModel({ kind: "vq", codebookSize: 2 }, normalRows(3, 2, cols));
    await expectNoLeaks(backend, async () => {
      const codes = await model.encode(rows, { backend });
      const tail = await model.encode(sliceRows(rows, 2 ** 13, rows.rows), { backend });
      expect(codes.data.slice(2 ** 13)).toEqual(tail.data);
      rows.data[(2 ** 13 + 3) * cols] = Number.NaN;
      await expect(model.encode(rows, { backend })).rejects.toMatchObject({ row: 2 ** 13 + 3 });
    });
  });

  it("names what is wrong with rows and codes", async () => {
    await expect(square.encode(matrix([[1, 2, 3]]), { backend })).rejects.toThrow(ShapeError);
    await expect(square.decode(new Codes([0, 1], [4, 4]))).rejects.toThrow(ShapeError);
    await expect(square.decode(new Codes([7], [8]))).rejects.toThrow(CodeRangeError);
    expect(() => new VqModel({ kind: "vq", codebookSize: 3 }, square.codebook)).toThrow(ShapeError);
    expect(() => new VqModel({ kind: "vq", codebookSize: 1 }, matrix([[Number.NaN]]))).toThrow(
      NonFiniteError,
    );
  });
});

describe("fitVq", () => {
  it("agrees with a float64 search wherever distances are not tied", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 12 }),
        async (seed, cols, k) => {
          const rows = normalRows(seed, 30, cols);
          const model = await fitVq(rows, { codebookSize: k, backend, seed });
          const codes = await model.encode(rows, { backend });
          expect([codes.rows, codes.columns]).toEqual([30, 1]);
          for (let i = 0; i < rows.rows; i++) {
            const to = (c: number) =>
              referenceDistance(rows.data, i * cols, model.codebook.data, c * cols, cols, "l2");
            const distances = Array.from({ length: k }, (_, c) => to(c));
            const chosen = distances[codes.data[i]!]!;
            const tolerance = tieTolerance(cols, norm(rows, i), Math.max(...norms(model.codebook)));
            expect(chosen).toBeLessThanOrEqual(Math.min(...distances) + tolerance);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  it("keeps the distortion of its training rows in its facts", async () => {
    const rows = normalRows(4, 100, 4);
    for (const exchange of [true, false]) {
      const model = await fitVq(rows, {
        codebookSize: 8,
        backend,
        exchange,
        iterations: 200,
        tolerance: 0,
      });
      const { distortion } = await evaluate(model, rows, { backend });
      expect(model.facts.distortion).toBeCloseTo(distortion, 5);
      expect(model.facts.iterations).toBeGreaterThan(0);
    }
  });

  it("gains by exchanges where rows per codeword are few", async () => {
    const rows = normalRows(8, 200, 8);
    const fit = (exchange: boolean) => fitVq(rows, { codebookSize: 32, backend, exchange });
    const [plain, exchanged] = [await fit(false), await fit(true)];
    expect(exchanged.facts.distortion).toBeLessThan(0.95 * plain.facts.distortion!);
  });

  it("gives the same bits for the same seed, from a matrix and from any stream of its rows", async () => {
    const rows = normalRows(9, 60, 3);
    const options = { codebookSize: 8, backend, seed: 3 };
    const bytes = (await fitVq(rows, options)).save();
    expect((await fitVq(rows, options)).save()).toEqual(bytes);
    expect((await fitVq(stream(rows, 7), options)).save()).toEqual(bytes);
    expect((await fitVq(rows, { ...options, seed: 4 })).save()).not.toEqual(bytes);
    const plain = { ...options, exchange: false };
    expect((await fitVq(stream(rows, 11), plain)).save()).toEqual(
      (await fitVq(rows, plain)).save(),
    );
  });

  it("fits to a sample, of a stream that can be read only once too", async () => {
    const rows = normalRows(10, 500, 2);
    const options = { codebookSize: 4, backend, sample: 50 };
    const model = await fitVq(rows, options);
    expect((await fitVq(onceOnly(rows), options)).save()).toEqual(model.save());
    expect((await fitVq(rows, { codebookSize: 4, backend })).save()).not.toEqual(model.save());
    await expect(fitVq(onceOnly(rows), { codebookSize: 4, backend })).rejects.toThrow(
      ArgumentError,
    );
    await expect(fitVq(rows, { ...options, sample: 3 })).rejects.toThrow(/sample is 3/);
  });

  it("is never worse for more restarts", async () => {
    const rows = normalRows(11, 80, 3);
    for (const exchange of [true, false]) {
      const fit = (restarts: number) =>
        fitVq(rows, { codebookSize: 8, backend, exchange, restarts });
      const [one, four] = [await fit(1), await fit(4)];
      expect(four.facts.distortion).toBeLessThanOrEqual(one.facts.distortion!);
    }
    await expect(fitVq(rows, { codebookSize: 8, backend, restarts: 0 })).rejects.toThrow(
      /restarts is 0/,
    );
  });

  it("learns directions under cosine, whatever the rows' lengths", async () => {
    const rows = normalRows(12, 60, 3);
    const options = { codebookSize: 5, metric: "cosine", backend } as const;
    const model = await fitVq(rows, options);
    for (const length of norms(model.codebook)) expect(length).toBeCloseTo(1, 5);
    const scaled = matrix(
      rows.data.map((value, at) => value * 2 ** (Math.floor(at / 3) % 5)),
      3,
    );
    expect((await fitVq(scaled, options)).save()).toEqual(model.save());
    expect((await fitVq(stream(rows, 13), options)).save()).toEqual(model.save());
    expect(model.facts.similarity).toBeGreaterThan(0.7);
  });

  it("learns by inner product under ip", async () => {
    const model = await fitVq(normalRows(13, 60, 3), { codebookSize: 5, metric: "ip", backend });
    expect(model.spec).toEqual({ kind: "vq", codebookSize: 5, metric: "ip" });
    expect(model.facts.similarity).toBeGreaterThan(0);
  });

  it("survives a round trip through its file, facts included", async () => {
    for (const spec of ["vq4", "vq4(metric=ip)", "vq4(metric=cosine)"]) {
      const model = (await quantizers.fit(spec, normalRows(14, 40, 3), { backend })) as VqModel;
      const bytes = model.save();
      const loaded = quantizers.load(bytes) as VqModel;
      expect(loaded.save()).toEqual(bytes);
      expect(loaded.facts).toEqual(model.facts);
      expect(loaded.spec).toEqual(model.spec);
    }
  });

  it("says what is wrong: too few rows, a row that is not finite, an unknown metric", async () => {
    const rows = normalRows(15, 10, 2);
    await expect(fitVq(rows, { codebookSize: 11, backend })).rejects.toThrow(/11.*10/);
    await expect(
      fitVq(rows, { codebookSize: 2, metric: "l1" as VqSpec["metric"], backend }),
    ).rejects.toThrow(/metric is "l1"/);
    rows.data[7 * 2 + 1] = Infinity;
    for (const input of [rows, stream(rows, 3)]) {
      await expect(fitVq(input, { codebookSize: 2, backend })).rejects.toMatchObject({ row: 7 });
    }
    const many = normalRows(16, 40, 2);
    many.data.fill(Number.NaN, 0, 38 * 2);
    await expect(fitVq(many, { codebookSize: 2, backend, sample: 5 })).rejects.toThrow(
      NonFiniteError,
    );
  });

  it("stops on abort, at any time, and leaves no tensors", async () => {
    const rows = normalRows(17, 60, 3);
    for (const stopAfter of [0, 1, 3, 5]) {
      await expectNoLeaks(backend, async () => {
        const controller = new AbortController();
        let seen = 0;
        if (stopAfter === 0) controller.abort();
        await expect(
          fitVq(rows, {
            codebookSize: 16,
            backend,
            tolerance: 0,
            signal: controller.signal,
            onProgress: () => {
              if (++seen === stopAfter) controller.abort();
            },
          }),
        ).rejects.toThrow(AbortedError);
      });
    }
  });
});

function norms({ data, rows, cols }: Matrix): number[] {
  return Array.from({ length: rows }, (_, i) => norm({ data, rows, cols }, i));
}

function norm({ data, cols }: Matrix, i: number): number {
  return Math.hypot(...data.subarray(i * cols, (i + 1) * cols));
}
