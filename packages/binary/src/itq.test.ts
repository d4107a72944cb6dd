import {
  AbortedError,
  ArgumentError,
  createQuantizers,
  evaluate,
  expectNoLeaks,
  type Matrix,
  matrix,
  type Rows,
  sliceRows,
  SpecError,
} from "@tessera/core";
import { createReferenceBackend, clusteredMatrix, gaussianMatrix } from "@tessera/backend-testkit";
import {
  type RotationTransform,
  type TransformedModel,
  transformedPart,
} from "@tessera/transforms";
import { describe, expect, it } from "vitest";
import { fitItq, fitItqRotation, quantizers, signPart } from "./index.js";

const backend = createReferenceBackend();

function stream(rows: Matrix, size: number): Rows {
  return {
    async *[Symbol.asyncIterator]() {
      for (let start = 0; start < rows.rows; start += size) {
        yield sliceRows(rows, start, Math.min(rows.rows, start + size));
      }
    },
  };
}

/** ‖B − V·Rᵀ‖² for the best scale of B, as a share of ‖V‖². */
async function loss(rows: Matrix, rotation: RotationTransform): Promise<number> {
  const { data } = await rotation.apply(rows, { backend });
  let [absolute, squares] = [0, 0];
  for (const value of data) {
    absolute += Math.abs(value);
    squares += value * value;
  }
  return 1 - absolute ** 2 / (data.length * squares);
}

describe("fitItqRotation", () => {
  it("turns the corners of a rotated square back to corners", async () => {
    const [c, s] = [Math.cos(0.9), Math.sin(0.9)];
    const rows = matrix(
      Array.from({ length: 40 }, (_, i) => {
        const [x, y] = [i & 1 ? 1 : -1, i & 2 ? 1 : -1];
        return [c * x - s * y, s * x + c * y];
      }),
    );
    const rotation = await fitItqRotation(rows, { backend });
    expect(await loss(rows, rotation)).toBeLessThan(1e-6);
  });

  it("never loses by a further round, and beats a random rotation", async () => {
    const rows = clusteredMatrix(300, 8, { seed: 1, clusters: 6 });
    let last = Infinity;
    for (const iterations of [1, 2, 4, 8, 16, 32]) {
      const now = await loss(rows, await fitItqRotation(rows, { backend, iterations }));
      expect(now).toBeLessThan(last * (1 + 1e-4));
      last = now;
    }
    const random = await quantizers.fit("rotation>sign", rows, { backend });
    const { transform } = random as TransformedModel;
    expect(last).toBeLessThan(0.9 * (await loss(rows, transform as RotationTransform)));
  });

  it("gives the same bits for the same seed, from a matrix and from any stream of its rows", async () => {
    const rows = gaussianMatrix(60, 4, { seed: 2 });
    for (const sample of [undefined, 20]) {
      const options = { backend, sample, seed: 3, iterations: 5 };
      const { rotation } = await fitItqRotation(rows, options);
      expect((await fitItqRotation(stream(rows, 7), options)).rotation).toEqual(rotation);
      const other = await fitItqRotation(rows, { ...options, seed: 4 });
      expect(other.rotation).not.toEqual(rotation);
    }
  });

  it("takes rows of zeros, and fewer rows than dimensions", async () => {
    for (const rows of [matrix(new Float32Array(20), 5), gaussianMatrix(2, 5, { seed: 1 })]) {
      expect((await fitItqRotation(rows, { backend })).inputDimension).toBe(5);
    }
  });

  it("says what is wrong, stops on abort and leaves no tensors", async () => {
    const rows = gaussianMatrix(30, 3, { seed: 1 });
    const wrong = (options: object) => fitItqRotation(rows, { backend, ...options });
    await expect(wrong({ iterations: 0 })).rejects.toThrow(ArgumentError);
    await expect(wrong({ sample: 1.5 })).rejects.toThrow(/sample is 1.5/);
    await expectNoLeaks(backend, async () => {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      await expect(wrong({ signal: controller.signal, onProgress })).rejects.toThrow(AbortedError);
      await wrong({ iterations: 2 });
    });
    rows.data[17 * 3] = Number.NaN;
    await expect(wrong({})).rejects.toMatchObject({ row: 17 });
    await expect(wrong({ sample: 29 })).rejects.toMatchObject({ code: "non-finite" });
  });
});

describe("itq specs", () => {
  it("need signs behind the rotation, and this package's part", async () => {
    const rows = gaussianMatrix(30, 3, { seed: 1 });
    await expect(quantizers.fit("itq>pca2>sign", rows)).rejects.toThrow(SpecError);
    const without = createQuantizers([signPart, transformedPart]);
    await expect(without.fit("itq>sign", rows)).rejects.toThrow(/@tessera\/binary/);
  });

  it("fit, encode, decode, save and load", async () => {
    const rows = clusteredMatrix(200, 10, { seed: 4, mean: 2 });
    const model = await fitItq(rows, { dimension: 6, backend, seed: 1 });
    expect(model.spec).toEqual((await quantizers.fit("itq6", rows, { backend, seed: 1 })).spec);
    expect(model.cardinalities).toEqual([2, 2, 2, 2, 2, 2]);
    const loaded = quantizers.load(model.save());
    expect(loaded.save()).toEqual(model.save());
    const codes = await model.encode(rows, { backend });
    expect(await loaded.encode(rows, { backend })).toEqual(codes);
    const { relativeDistortion } = await evaluate(model, rows, { backend });
    const plain = await quantizers.fit("pca6>sign", rows, { backend, seed: 1 });
    expect(relativeDistortion).toBeLessThan(0.7);
    expect((await evaluate(plain, rows, { backend })).relativeDistortion).toBeLessThan(1);
  });
});
