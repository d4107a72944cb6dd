import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  AbortedError,
  createQuantizers,
  expectNoLeaks,
  type Matrix,
  matrix,
  NonFiniteError,
  ShapeError,
  type TransformSpec,
} from "@tessera/core";
import { vqPart } from "@tessera/vq";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { correlatedRows, difference, orthonormalityError, stream } from "../test/rows.js";
import {
  type CenterTransform,
  HadamardTransform,
  momentsOf,
  NormalizeTransform,
  PcaTransform,
  RotationTransform,
  type TransformModel,
  type TransformedModel,
  transformedPart,
} from "./index.js";

const backend = createReferenceBackend();
const quantizers = createQuantizers([vqPart, transformedPart]);

/** The transform that is learned before a quantizer of two codewords. */
async function fitTransform(
  transform: TransformSpec,
  rows: Matrix,
  seed = 0,
): Promise<TransformModel> {
  const spec = {
    kind: "transformed",
    transform,
    quantizer: { kind: "vq", codebookSize: 2 },
  } as const;
  const model = (await quantizers.fit(spec, rows, {
    backend,
    seed,
    iterations: 1,
  })) as TransformedModel;
  return model.transform;
}

function squaredNorms({ data, cols }: Matrix): number[] {
  const norms: number[] = [];
  for (let at = 0; at < data.length; at += cols) {
    norms.push(data.subarray(at, at + cols).reduce((sum, value) => sum + value * value, 0));
  }
  return norms;
}

const seeds = fc.integer({ min: 0, max: 1e6 });
const widths = fc.integer({ min: 1, max: 20 });
const invertible: readonly TransformSpec[] = [
  { kind: "center" },
  { kind: "rotation" },
  { kind: "hadamard" },
];

describe("every transform with a full inverse", () => {
  it("comes back from apply() to where it was, keeps distances, and minds no other rows", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, widths, fc.constantFrom(...invertible), async (seed, cols, spec) => {
        const rows = gaussianMatrix(12, cols, { seed, mean: 1 });
        const transform = await fitTransform(spec, rows, seed);
        await expectNoLeaks(backend, async () => {
          const applied = await transform.apply(rows, { backend });
          expect(applied.cols).toBe(transform.outputDimension);
          const back = await transform.invert(applied, { backend });
          expect(difference(back.data, rows.data)).toBeLessThan(1e-5);
          const first = await transform.apply(matrix(rows.data.slice(0, cols), cols), { backend });
          expect(first.data).toEqual(applied.data.slice(0, applied.cols));
          const shifted = (m: Matrix): Matrix => ({
            ...m,
            data: m.data.map((v, at) => v - m.data[at % m.cols]!),
          });
          expect(transform.isometric).toBe(true);
          expect(
            difference(squaredNorms(shifted(applied)), squaredNorms(shifted(rows))),
          ).toBeLessThan(1e-4 * cols);
        });
      }),
      { numRuns: 30 },
    );
  });

  it("says so if rows have another width, and stops when told to", async () => {
    const rows = gaussianMatrix(6, 4, { seed: 1 });
    for (const spec of [
      ...invertible,
      { kind: "normalize" },
      { kind: "pca", dimension: 2 },
    ] as TransformSpec[]) {
      const transform = await fitTransform(spec, rows);
      const wide = gaussianMatrix(2, 9);
      await expect(transform.apply(wide, { backend })).rejects.toThrow(ShapeError);
      await expect(transform.invert(wide, { backend })).rejects.toThrow(ShapeError);
      const none = { data: new Float32Array(0), rows: 0, cols: 4 };
      expect((await transform.apply(none, { backend })).rows).toBe(0);
    }
    for (const kind of ["rotation", "hadamard"] as const) {
      const transform = await fitTransform({ kind }, rows);
      await expect(transform.apply(rows, { backend, signal: AbortSignal.abort() })).rejects.toThrow(
        AbortedError,
      );
    }
  });
});

describe("center", () => {
  it("takes the mean away", async () => {
    const rows = matrix([
      [1, 10],
      [3, 30],
    ]);
    const transform = (await fitTransform({ kind: "center" }, rows)) as CenterTransform;
    expect([...transform.mean.data]).toEqual([2, 20]);
    expect([...(await transform.apply(rows)).data]).toEqual([-1, -10, 1, 10]);
  });
});

describe("normalize", () => {
  it("gives unit rows, leaves zeros, and does not bring lengths back", async () => {
    const transform = new NormalizeTransform(2);
    const applied = await transform.apply(
      matrix([
        [3, 4],
        [0, 0],
        [3e30, -4e30],
      ]),
    );
    expect(difference(applied.data, [0.6, 0.8, 0, 0, 0.6, -0.8])).toBeLessThan(1e-7);
    expect(await transform.invert(applied)).toEqual(applied);
    expect(transform.isometric).toBe(false);
  });
});

describe("hadamard", () => {
  it("is H·(s ∘ x) / √p, with zeros for padding", async () => {
    const transform = new HadamardTransform(matrix([[1, -1, 1]]));
    expect(transform.outputDimension).toBe(4);
    const applied = await transform.apply(matrix([[1, 2, 5]]));
    // (1, −2, 5, 0): sums 4, 8, −6, −2, halved.
    expect([...applied.data]).toEqual([2, 4, -3, -1]);
    expect([...(await transform.invert(applied)).data]).toEqual([1, 2, 5]);
  });

  it("loses an error that lies in the padding", async () => {
    const transform = new HadamardTransform(matrix([[1, -1, 1]]));
    const applied = await transform.apply(matrix([[1, 2, 5]]));
    const off = matrix([applied.data.map((value, j) => value + [0.5, -0.5, -0.5, 0.5][j]!)]);
    expect([...(await transform.invert(off)).data]).toEqual([1, 2, 5]);
  });

  it("refuses signs that are none", () => {
    expect(() => new HadamardTransform(matrix([[1, 0.5]]))).toThrow(/0.5/);
  });
});

describe("rotation", () => {
  it("is orthogonal, of the seed and the width alone", async () => {
    const [a, b] = [gaussianMatrix(5, 7, { seed: 1 }), gaussianMatrix(9, 7, { seed: 2 })];
    const fit = async (rows: Matrix, seed: number) =>
      ((await fitTransform({ kind: "rotation" }, rows, seed)) as RotationTransform).rotation;
    const rotation = await fit(a, 3);
    expect(orthonormalityError(rotation.data, 7)).toBeLessThan(1e-6);
    expect(await fit(b, 3)).toEqual(rotation);
    expect((await fit(a, 4)).data).not.toEqual(rotation.data);
  });

  it("has the new axes as its rows", async () => {
    const turn = new RotationTransform(
      { kind: "rotation" },
      matrix([
        [0, 1],
        [-1, 0],
      ]),
    );
    expect([...(await turn.apply(matrix([[3, 5]]), { backend })).data]).toEqual([5, -3]);
    expect([...(await turn.invert(matrix([[5, -3]]), { backend })).data]).toEqual([3, 5]);
  });

  it("refuses a matrix that is not orthogonal", () => {
    const make = (rows: number[][]) => () => new RotationTransform({ kind: "opq" }, matrix(rows));
    expect(
      make([
        [1, 0],
        [0, 1.1],
      ]),
    ).toThrow("not orthonormal");
    expect(make([[1, 0]])).toThrow("not square");
  });
});

describe("pca", () => {
  it("finds the axis along which rows lie, by hand", async () => {
    const rows = matrix([
      [1, 2],
      [2, 4],
      [3, 6],
      [4, 8],
    ]);
    const pca = (await fitTransform({ kind: "pca", dimension: 1 }, rows)) as PcaTransform;
    expect(difference(pca.mean.data, [2.5, 5])).toBe(0);
    expect(difference(pca.components.data, [1 / Math.sqrt(5), 2 / Math.sqrt(5)])).toBeLessThan(
      1e-6,
    );
    const applied = await pca.apply(rows, { backend });
    expect(
      difference(
        applied.data,
        [-1.5, -0.5, 0.5, 1.5].map((t) => t * Math.sqrt(5)),
      ),
    ).toBeLessThan(1e-6);
    expect(difference((await pca.invert(applied, { backend })).data, rows.data)).toBeLessThan(1e-6);
  });

  it("orders components by variance, and the distortion is the variance of those left out", async () => {
    const rows = correlatedRows(1, 200, 6);
    const { covariance } = await momentsOf(rows, { backend });
    const trace = covariance.reduce((sum, value, at) => sum + (at % 7 === 0 ? value : 0), 0);
    for (const dimension of [1, 3, 6]) {
      const pca = await fitTransform({ kind: "pca", dimension }, rows);
      const applied = await pca.apply(rows, { backend });
      const { covariance: kept } = await momentsOf(applied, { backend });
      const variances = Array.from({ length: dimension }, (_, i) => kept[i * dimension + i]!);
      expect([...variances].sort((a, b) => b - a)).toEqual(variances);
      const back = await pca.invert(applied, { backend });
      const lost = squaredNorms({ ...back, data: back.data.map((v, i) => v - rows.data[i]!) });
      const distortion = lost.reduce((sum, value) => sum + value / rows.rows, 0);
      expect(distortion).toBeCloseTo(trace - variances.reduce((a, b) => a + b, 0), 4);
      expect(pca.isometric).toBe(dimension === 6);
    }
  });

  it("whitens: unit covariance, and the way back", async () => {
    const rows = correlatedRows(2, 300, 5, 5);
    const pca = (await fitTransform(
      { kind: "pca", dimension: 5, whiten: true },
      rows,
    )) as PcaTransform;
    const applied = await pca.apply(rows, { backend });
    const { covariance } = await momentsOf(applied, { backend });
    const unit = Array.from({ length: 25 }, (_, at) => (at % 6 === 0 ? 1 : 0));
    expect(difference(covariance, unit)).toBeLessThan(1e-3);
    expect(difference((await pca.invert(applied, { backend })).data, rows.data)).toBeLessThan(1e-4);
    expect(pca.isometric).toBe(false);
  });

  it("whitens rows that are constant, or constant in some direction, without blowing up", async () => {
    for (const rows of [
      matrix([
        [1, 2],
        [1, 2],
        [1, 2],
      ]),
      matrix([
        [1, 2],
        [2, 2],
        [3, 2],
      ]),
    ]) {
      const pca = await fitTransform({ kind: "pca", dimension: 2, whiten: true }, rows);
      const applied = await pca.apply(rows, { backend });
      expect(Math.max(...applied.data.map(Math.abs))).toBeLessThan(2);
      expect(difference((await pca.invert(applied, { backend })).data, rows.data)).toBeLessThan(
        1e-5,
      );
    }
  });

  it("refuses more components than there are dimensions", async () => {
    await expect(fitTransform({ kind: "pca", dimension: 3 }, gaussianMatrix(9, 2))).rejects.toThrow(
      "pca3 needs rows of 3 values or more, not 2",
    );
    expect(() => new PcaTransform(matrix([[0]]), matrix([[1, 0]]))).toThrow(ShapeError);
    const deviations = matrix([[0]]);
    expect(() => new PcaTransform(matrix([[0, 0]]), matrix([[1, 0]]), deviations)).toThrow(
      "above 0",
    );
  });
});

describe("momentsOf", () => {
  it("agrees with sums in float64, for a large mean too, from a matrix and any stream to the bit", async () => {
    const rows = correlatedRows(3, 4500, 3);
    for (let at = 0; at < rows.data.length; at += 3) rows.data[at]! += 1000;
    const moments = await momentsOf(rows, { backend });
    const column = (j: number) =>
      Array.from({ length: rows.rows }, (_, i) => rows.data[i * 3 + j]!);
    const mean = [0, 1, 2].map((j) => column(j).reduce((a, b) => a + b, 0) / rows.rows);
    expect(difference(moments.mean, mean)).toBeLessThan(1e-7);
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        const [x, y] = [column(a), column(b)];
        const exact =
          x.reduce((sum, v, i) => sum + (v - mean[a]!) * (y[i]! - mean[b]!), 0) / rows.rows;
        expect(Math.abs(moments.covariance[a * 3 + b]! - exact)).toBeLessThan(1e-5);
      }
    }
    for (const size of [1, 999, 4096]) {
      expect(await momentsOf(stream(rows, size), { backend })).toEqual(moments);
    }
  });

  it("names the row that is not finite, or whose square overflows", async () => {
    const rows = gaussianMatrix(5000, 2, { seed: 4 });
    for (const value of [Number.NaN, Infinity, 1e25]) {
      rows.data[2 * 4321] = value;
      const error = await momentsOf(stream(rows, 100), { backend }).catch(
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(NonFiniteError);
      expect((error as NonFiniteError).row).toBe(4321);
    }
    await expect(
      momentsOf(stream(rows, 100), { backend, signal: AbortSignal.abort() }),
    ).rejects.toThrow(AbortedError);
  });
});
