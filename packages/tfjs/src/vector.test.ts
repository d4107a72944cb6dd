import * as tf from "@tensorflow/tfjs-core";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { ArgumentError, type Matrix, ShapeError } from "@tessera/core";
import { ResidualModel } from "@tessera/rq";
import { VqModel } from "@tessera/vq";
import { beforeAll, describe, expect, it } from "vitest";
import { differences, expectClose, gradients, normal } from "../test/differences.js";
import { engines, valuesOf } from "../test/engines.js";
import {
  decodeResiduals,
  decodeVectors,
  residualQuantize,
  vectorQuantize,
  type VectorQuantizeOptions,
} from "./index.js";

const backend = createReferenceBackend();
const D = 3;

/** Host data of 2 · 5 vectors and of three codebooks, each finer than the one before. */
const latents = await valuesOf(normal([2, 5, D], 1));
const books = await Promise.all(
  [7, 4, 5].map((size, l) => valuesOf(normal([size, D], 2 + l, 0.5 ** l))),
);
const z = (): tf.Tensor => tf.tensor(latents, [2, 5, D]);
const codebooks = (): tf.Tensor[] =>
  books.map((data) => tf.tensor(data, [data.length / D, D], "float32"));
const codebookModels = books.map((data) => {
  const codebook = { data: Float32Array.from(data), rows: data.length / D, cols: D };
  return new VqModel({ kind: "vq", codebookSize: codebook.rows }, codebook);
});
const rows: Matrix = { data: Float32Array.from(latents), rows: 10, cols: D };

/** Of each level: what came to it less its codeword, in float64, and the code. */
function walk(): { readonly code: number; readonly left: number[] }[][] {
  return Array.from({ length: 10 }, (_, i) => {
    let left = latents.slice(i * D, (i + 1) * D);
    return books.map((book) => {
      const code = nearestOf(left, book);
      left = left.map((value, j) => value - book[code * D + j]!);
      return { code, left };
    });
  });
}

describe.each([...engines])("on $name", (engine) => {
  const test = it.skipIf(engine.obstacle);
  beforeAll(async () => {
    if (engine.obstacle === undefined) await engine.use();
  });

  test("codes are those of a model with the same codebook, and so are reconstructions", async () => {
    const model = codebookModels[0]!;
    const found = vectorQuantize(z(), codebooks()[0]!);
    const codes = await model.encode(rows, { backend });
    expect(found.codes.shape).toEqual([2, 5]);
    expect(await valuesOf(found.codes)).toEqual([...codes.data]);
    expect(found.quantized.shape).toEqual([2, 5, D]);
    const decoded = [...(await model.decode(codes)).data];
    expect(await valuesOf(found.quantized)).toEqual(decoded);
    expect(await valuesOf(decodeVectors(found.codes, codebooks()[0]!))).toEqual(decoded);
  });

  test("of levels too", async () => {
    const model = new ResidualModel(codebookModels);
    const found = residualQuantize(z(), codebooks());
    const codes = await model.encode(rows, { backend });
    expect(found.codes.shape).toEqual([2, 5, 3]);
    expect(await valuesOf(found.codes)).toEqual([...codes.data]);
    const decoded = [...(await model.decode(codes)).data];
    expectClose([await valuesOf(found.quantized)], [decoded], 1e-6);
    expectClose([await valuesOf(decodeResiduals(found.codes, codebooks()))], [decoded], 1e-6);
    const coarse = tf.slice(found.codes, [0, 0, 0], [2, 5, 1]);
    const first = await codebookModels[0]!.decode(
      await codebookModels[0]!.encode(rows, { backend }),
    );
    expect(await valuesOf(decodeResiduals(coarse, codebooks()))).toEqual([...first.data]);
  });

  test("the first of equal codewords is taken", async () => {
    // Many copies, and rows enough that devices share the comparison.
    const copies = 300;
    const codebook = tf.tile(tf.tensor2d([1, 2, -1, 0.5], [2, 2]), [copies, 1]);
    const pairs = Array.from({ length: 128 }, (_, i) => (i % 2 === 0 ? [1.1, 2] : [-1, 0.4]));
    const { codes } = vectorQuantize(tf.tensor2d(pairs), codebook);
    expect(await valuesOf(codes)).toEqual(pairs.map((_, i) => i % 2));
  });

  test("what is not finite has no code, and says so in all results", async () => {
    const data = [0, 1, NaN, 0, 2, 1, Infinity, 1, -1, 0, -Infinity, 1, 3e38, 1, 1, 1];
    const codebook = tf.tensor2d([0, 1, 1, 1], [2, 2]);
    const found = vectorQuantize(tf.tensor2d(data, [8, 2]), codebook);
    expect(await valuesOf(found.codes)).toEqual([0, -1, 1, -1, 0, -1, -1, 1]);
    const quantized = await valuesOf(found.quantized);
    expect(quantized.slice(0, 6)).toEqual([0, 1, NaN, NaN, 1, 1]);
    expect(await valuesOf(found.loss)).not.toEqual([expect.toSatisfy(Number.isFinite)]);
    expect(await valuesOf(decodeVectors(found.codes, codebook))).toEqual(quantized);
  });

  test("losses and their gradients are as stated", async () => {
    const steps = walk();
    const size = latents.length;
    const mean = steps.flat().reduce((sum, { left }) => {
      return sum + left.reduce((squares, value) => squares + value ** 2, 0);
    }, 0);
    const found = residualQuantize(z(), codebooks(), { beta: 0.5 });
    for (const [loss, weight] of [
      [found.codebookLoss, 1],
      [found.commitmentLoss, 1],
      [found.loss, 1.5],
    ] as const) {
      expectClose([await valuesOf(loss)], [[(weight * mean) / size]], 1e-5);
    }

    const ofLatents = steps.flatMap((levels) =>
      Array.from({ length: D }, (_, j) => levels.reduce((sum, { left }) => sum + left[j]!, 0)),
    );
    const ofBooks = books.map((book, l) => {
      const sums = book.map(() => 0);
      for (const levels of steps) {
        const { code, left } = levels[l]!;
        left.forEach((value, j) => (sums[code * D + j]! += value));
      }
      return sums;
    });
    const expected = (beta: number, codebook: number): number[][] => [
      ofLatents.map((sum) => (beta * 2 * sum) / size),
      ...ofBooks.map((sums) => sums.map((sum) => (codebook * -2 * sum) / size)),
    ];
    const grads = (pick: "codebookLoss" | "commitmentLoss" | "loss") =>
      gradients(
        (x, ...c) => residualQuantize(x, c, { beta: 0.5 })[pick],
        [z(), ...codebooks()],
        tf.scalar(1),
      );
    expectClose(await grads("loss"), expected(0.5, 1), 1e-5);
    // Each alone does not move what the other moves; TensorFlow.js then wants it out of the list.
    const ofCommitment = await gradients(
      (x) => residualQuantize(x!, codebooks()).commitmentLoss,
      [z()],
      tf.scalar(1),
    );
    expectClose(ofCommitment, expected(1, 0).slice(0, 1), 1e-5);
    const ofCodebooks = await gradients(
      (...c) => residualQuantize(z(), c).codebookLoss,
      codebooks(),
      tf.scalar(1),
    );
    expectClose(ofCodebooks, expected(0, 1).slice(1), 1e-5);
  });

  test("the straight-through estimator passes gradients as they are", async () => {
    const weights = normal([2, 5, D], 9);
    const f = (x: tf.Tensor): tf.Tensor => residualQuantize(x, codebooks()).quantized;
    expect(await gradients(f, [z()], weights)).toEqual([await valuesOf(weights)]);
  });

  test("the rotation trick turns them back as it turned z", async () => {
    const weights = normal([2, 5, D], 9);
    const options: VectorQuantizeOptions = { estimator: "rotation" };
    const q = await valuesOf(residualQuantize(z(), codebooks(), options).quantized);
    const f = (x: tf.Tensor): tf.Tensor => residualQuantize(x, codebooks(), options).quantized;
    const found = await gradients(f, [z()], weights);
    const g = await valuesOf(weights);
    const expected = Array.from({ length: 10 }, (_, i) => {
      const at = (list: readonly number[]): number[] => list.slice(i * D, (i + 1) * D);
      const turn = rotation(at(latents), at(q));
      // It does turn z into q.
      expectClose([turn.map((line) => dot(line, at(latents)))], [at(q)], 1e-5);
      return Array.from({ length: D }, (__, j) =>
        dot(
          turn.map((line) => line[j]!),
          at(g),
        ),
      );
    }).flat();
    expectClose(found, [expected], 1e-5);
  });

  test("where there is no direction the rotation trick passes gradients as they are", async () => {
    // A zero latent, a zero codeword, and a latent opposed to its codeword.
    const x = tf.tensor2d([0, 0, 0.1, 0.1, -1, 0], [3, 2]);
    const weights = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const codebook = tf.tensor2d([0, 0, 5, 0], [2, 2]);
    const opposed = tf.tensor2d([3, 0], [1, 2]);
    for (const c of [codebook, opposed]) {
      const f = (y: tf.Tensor): tf.Tensor =>
        vectorQuantize(y, c, { estimator: "rotation" }).quantized;
      const [found] = await gradients(f, [x], weights);
      expect(found!.slice(0, 2)).toEqual([1, 2]);
      expect(found!.slice(4)).toEqual([5, 6]);
      expect(found!.every(Number.isFinite)).toBe(true);
    }
  });

  test("sums over many vectors are the same each time, and right", async () => {
    // So many rows and so large a result that TensorFlow.js would add them by atomics on WebGPU.
    const [n, size, d] = [2001, 33, 4];
    const many = await valuesOf(normal([n, d], 12));
    const centres = await valuesOf(normal([size, d], 13));
    const x = (): tf.Tensor => tf.tensor(many, [n, d]);
    const once = async (): Promise<number[]> => {
      const f = (c: tf.Tensor): tf.Tensor => vectorQuantize(x(), c).loss;
      const [gradient] = await gradients(f, [tf.tensor(centres, [size, d])], tf.scalar(1));
      return gradient!;
    };
    const first = await once();
    expect(await once()).toEqual(first);
    const expected = centres.map(() => 0);
    for (let i = 0; i < n; i++) {
      const row = many.slice(i * d, (i + 1) * d);
      const code = nearestOf(row, centres);
      row.forEach((value, j) => {
        expected[code * d + j]! += (-2 * (value - centres[code * d + j]!)) / (n * d);
      });
    }
    expectClose([first], [expected], 1e-4);
  });
});

describe("losses", () => {
  it("have the gradients of central differences where they have true ones", async () => {
    await engines[0]!.use();
    // The codes stay, so the commitment loss is smooth in z, and of one level the codebook loss in the codebook.
    const ofLatents = (x: tf.Tensor): tf.Tensor => residualQuantize(x, codebooks()).commitmentLoss;
    const one = tf.scalar(1);
    expectClose(
      await gradients(ofLatents, [z()], one),
      await differences(ofLatents, [z()], one, 1e-3),
      5e-3,
    );
    const ofCodebook = (c: tf.Tensor): tf.Tensor => vectorQuantize(z(), c).codebookLoss;
    expectClose(
      await gradients(ofCodebook, codebooks().slice(0, 1), one),
      await differences(ofCodebook, codebooks().slice(0, 1), one, 1e-3),
      5e-3,
    );
  });
});

describe("ops", () => {
  it("leave no tensors behind", async () => {
    await engines[0]!.use();
    const [x, c] = [z(), codebooks()];
    const variables = c.map((codebook) => tf.variable(codebook));
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      tf.grads((...given: tf.Tensor[]) => {
        const { quantized, loss } = residualQuantize(given[0]!, given.slice(1), {
          estimator: "rotation",
        });
        return tf.tidy(() => decodeResiduals(residualQuantize(quantized, c).codes, c)) && loss;
      })([x, ...variables]);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it("say what is wrong", async () => {
    await engines[0]!.use();
    const codebook = codebooks()[0]!;
    expect(() => vectorQuantize(tf.zeros([2, 4]), codebook)).toThrow(ShapeError);
    expect(() => vectorQuantize(tf.scalar(1), codebook)).toThrow(ShapeError);
    expect(() => vectorQuantize(tf.zeros([2, 3], "int32"), codebook)).toThrow(/int32/);
    expect(() => residualQuantize(z(), [])).toThrow(ArgumentError);
    expect(() => residualQuantize(z(), [codebook, tf.zeros([4, 2])])).toThrow(/codebook 2 of 2/);
    expect(() => vectorQuantize(z(), tf.zeros([D]))).toThrow(/\[K, d\]/);
    expect(() => vectorQuantize(z(), codebook, { beta: -1 })).toThrow(/beta is -1/);
    const estimator = "gumbel" as "rotation";
    expect(() => vectorQuantize(z(), codebook, { estimator })).toThrow(/gumbel/);
    expect(() => decodeResiduals(tf.zeros([2, 2], "int32"), [codebook])).toThrow(/1 to 1/);
  });
});

/** The nearest of the codewords that follow one another in a list, in float64. */
function nearestOf(row: readonly number[], codewords: readonly number[]): number {
  const distance = (k: number): number =>
    row.reduce((sum, value, j) => sum + (value - codewords[k * row.length + j]!) ** 2, 0);
  const codes = Array.from({ length: codewords.length / row.length }, (_, k) => k);
  return codes.reduce((best, k) => (distance(k) < distance(best) ? k : best));
}

/** λR in float64: R = I − 2rrᵀ + 2q̂ẑᵀ. */
function rotation(from: readonly number[], to: readonly number[]): number[][] {
  const [a, b] = [unit(from), unit(to)];
  const r = unit(a.map((value, i) => value + b[i]!));
  const scale = Math.sqrt(dot(to, to) / dot(from, from));
  return r.map((ri, i) =>
    r.map((rj, j) => scale * ((i === j ? 1 : 0) - 2 * ri * rj + 2 * b[i]! * a[j]!)),
  );
}

function unit(values: readonly number[]): number[] {
  const length = Math.sqrt(dot(values, values));
  return values.map((value) => value / length);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
