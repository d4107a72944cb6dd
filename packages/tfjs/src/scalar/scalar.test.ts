import * as tf from "@tensorflow/tfjs-core";
import { createReferenceBackend } from "@tessera/backend-testkit";
import { ArgumentError, type Matrix, ShapeError, SpecError } from "@tessera/core";
import {
  FsqModel,
  fsqIndices as modelFsqIndices,
  lfqIndices as modelLfqIndices,
} from "@tessera/vq";
import { beforeAll, describe, expect, it } from "vitest";
import { differences, expectClose, gradients, normal } from "../../test/differences.js";
import { engines, valuesOf } from "../../test/engines.js";
import {
  decodeScalars,
  finiteScalarQuantize,
  fsqIndices,
  lfqIndices,
  lookupFreeQuantize,
  type LookupFreeOptions,
} from "../index.js";

const backend = createReferenceBackend();
const LEVELS = [8, 5, 2, 3, 256];
const latents = await valuesOf(normal([4, 3, LEVELS.length], 1, 1.5));
const z = (): tf.Tensor => tf.tensor(latents, [4, 3, LEVELS.length]);
const rows = (data: readonly number[], cols: number): Matrix => {
  return { data: Float32Array.from(data), rows: data.length / cols, cols };
};

describe.each([...engines])("on $name", (engine) => {
  const test = it.skipIf(engine.obstacle);
  beforeAll(async () => {
    if (engine.obstacle === undefined) await engine.use();
  });

  test("FSQ's codes, indices and values are those of a model", async () => {
    const model = new FsqModel({ kind: "fsq", levels: LEVELS, scale: "none" });
    const codes = await model.encode(rows(latents, LEVELS.length), { backend });
    const found = finiteScalarQuantize(z(), LEVELS);
    expect(found.codes.dtype).toBe("int32");
    expect(found.codes.shape).toEqual(z().shape);
    expect(await valuesOf(found.codes)).toEqual([...codes.data]);
    const indices = fsqIndices(found.codes, LEVELS);
    expect(indices.shape).toEqual([4, 3]);
    expect(await valuesOf(indices)).toEqual([...modelFsqIndices(codes, LEVELS)]);
    const decoded = [...(await model.decode(codes)).data];
    // A GPU's division may be off by an ulp or two.
    expectClose([await valuesOf(found.quantized)], [decoded], 1e-6);
    expectClose([await valuesOf(decodeScalars(found.codes, LEVELS))], [decoded], 1e-6);
  });

  test("LFQ's codes, indices and values are those of a model", async () => {
    const d = LEVELS.length;
    const levels = LEVELS.map(() => 2);
    const model = new FsqModel({ kind: "fsq", levels, scale: "none" });
    const codes = await model.encode(rows(latents, d), { backend });
    const found = lookupFreeQuantize(z());
    expect(await valuesOf(found.codes)).toEqual([...codes.data]);
    expect(await valuesOf(lfqIndices(found.codes))).toEqual([...modelLfqIndices(codes)]);
    expect(await valuesOf(found.quantized)).toEqual([...(await model.decode(codes)).data]);
    expect(await valuesOf(lookupFreeQuantize(tf.zeros([1, 2])).codes)).toEqual([0, 0]);
  });

  test("FSQ's gradient is that of its bound", async () => {
    const weights = normal(z().shape, 2);
    const found = await gradients(
      (x) => finiteScalarQuantize(x!, LEVELS).quantized,
      [z()],
      weights,
    );
    const w = await valuesOf(weights);
    const expected = latents.map((value, i) => {
      const bounded = boundOf(LEVELS[i % LEVELS.length]!);
      return (w[i]! * (bounded(value + 1e-5) - bounded(value - 1e-5))) / 2e-5;
    });
    expectClose(found, [expected], 1e-4);
  });

  test("LFQ passes gradients as they are", async () => {
    const weights = normal(z().shape, 2);
    const found = await gradients((x) => lookupFreeQuantize(x!).quantized, [z()], weights);
    expect(found).toEqual([await valuesOf(weights)]);
  });

  test("LFQ's losses are as stated", async () => {
    const [n, d] = [12, LEVELS.length];
    const [temperature, diversity] = [3, 0.5];
    const options: LookupFreeOptions = {
      beta: 0.25,
      entropy: { weight: 0.2, temperature, diversity, jointBits: 3 },
    };
    const found = lookupFreeQuantize(z(), options);
    const commitment =
      latents.reduce((sum, value) => sum + (value - (value > 0 ? 1 : -1)) ** 2, 0) / latents.length;
    expectClose([await valuesOf(found.commitmentLoss)], [[commitment]], 1e-5);

    // From the softmax over codewords itself.
    const each = Array.from({ length: n }, (_, i) => {
      return codeProbabilities(latents.slice(i * d, (i + 1) * d), temperature);
    });
    const certain = each.reduce((sum, p) => sum + entropy(p), 0) / n;
    const used = [
      [0, 3],
      [3, 5],
    ].reduce((sum, [from, to]) => {
      const marginals = Array.from({ length: n }, (_, i) =>
        codeProbabilities(latents.slice(i * d + from!, i * d + to!), temperature),
      );
      return sum + entropy(marginals[0]!.map((_, k) => mean(marginals.map((p) => p[k]!))));
    }, 0);
    const expected = certain - diversity * used;
    expectClose([await valuesOf(found.entropyLoss)], [[expected]], 1e-4);
    expectClose([await valuesOf(found.loss)], [[0.25 * commitment + 0.2 * expected]], 1e-4);
  });

  test("what is not finite has no code", async () => {
    const x = tf.tensor2d([NaN, Infinity, -Infinity, 1], [2, 2]);
    const fsq = finiteScalarQuantize(x, [5, 4]);
    expect(await valuesOf(fsq.codes)).toEqual([-1, -1, -1, 3]);
    expect(await valuesOf(fsq.quantized)).toEqual([NaN, NaN, NaN, 0.5]);
    const lfq = lookupFreeQuantize(x);
    expect(await valuesOf(lfq.codes)).toEqual([-1, -1, -1, 1]);
    expect(await valuesOf(lfq.quantized)).toEqual([NaN, NaN, NaN, 1]);
    expect(await valuesOf(lfq.loss)).not.toEqual([expect.toSatisfy(Number.isFinite)]);
  });
});

describe("LFQ's losses", () => {
  it.each<[string, LookupFreeOptions["entropy"]]>([
    ["all bits counted together", { temperature: 4, weight: 1 }],
    ["bits counted in groups", { temperature: 2, weight: 0.3, jointBits: 2 }],
    ["bits counted each", { temperature: 1, jointBits: 1, diversity: 3 }],
    ["no diversity", { temperature: 1, diversity: 0 }],
  ])("have the gradients of central differences with %s", async (_, entropyOptions) => {
    await engines[0]!.use();
    const f = (x: tf.Tensor): tf.Tensor => lookupFreeQuantize(x, { entropy: entropyOptions }).loss;
    // Away from 0, where signs change.
    const x = tf.where(tf.greater(tf.abs(z()), 0.05), z(), tf.fill(z().shape, 0.3));
    const one = tf.scalar(1);
    expectClose(await gradients(f, [x], one), await differences(f, [x], one), 1e-2);
  });

  it("stay finite where all vectors are certain of one code", async () => {
    await engines[0]!.use();
    const x = tf.mul(tf.ones([6, 4]), 50);
    const f = (y: tf.Tensor): tf.Tensor => lookupFreeQuantize(y).loss;
    const [gradient] = await gradients(f, [x], tf.scalar(1));
    expect(gradient!.every(Number.isFinite)).toBe(true);
    expect(await valuesOf(f(x))).toEqual([expect.toSatisfy(Number.isFinite)]);
  });
});

describe("scalar quantizers", () => {
  it("say what is wrong", async () => {
    await engines[0]!.use();
    expect(() => finiteScalarQuantize(z(), [8, 5])).toThrow(ShapeError);
    expect(() => finiteScalarQuantize(z(), [1, 2, 2, 2, 2])).toThrow(SpecError);
    expect(() => lookupFreeQuantize(tf.scalar(1))).toThrow(ShapeError);
    expect(() => lookupFreeQuantize(z(), { beta: NaN })).toThrow(/beta/);
    for (const [name, value] of Object.entries({
      weight: -1,
      diversity: -1,
      temperature: 0,
      jointBits: 17,
    })) {
      const quantize = (): unknown => lookupFreeQuantize(z(), { entropy: { [name]: value } });
      expect(quantize).toThrow(new RegExp(`entropy.${name} is ${value}`));
    }
    const codes = tf.zeros([2, 5], "int32");
    expect(() => fsqIndices(codes, [2, 2])).toThrow(ShapeError);
    expect(() => fsqIndices(codes, [256, 256, 256, 256, 2])).toThrow(ArgumentError);
    expect(() => lfqIndices(tf.zeros([2, 5]))).toThrow(/int32/);
    expect(() => decodeScalars(codes, [2, 2])).toThrow(ShapeError);
  });
});

/** The bound as published, in float64, of which values are roundings. */
function boundOf(levels: number): (z: number) => number {
  const reach = ((levels - 1) * 1.001) / 2;
  if (levels === 2) return (value) => (Math.tanh(value) * reach) / 0.5;
  const offset = levels % 2 === 0 ? 0.5 : 0;
  const shift = Math.atanh(offset / reach);
  return (value) => (Math.tanh(value + shift) * reach - offset) / Math.floor(levels / 2);
}

/** softmax of −‖z − c‖²/T over all c of −1 and 1. */
function codeProbabilities(x: readonly number[], temperature: number): number[] {
  const weights = Array.from({ length: 2 ** x.length }, (_, code) =>
    Math.exp(
      -x.reduce((sum, value, j) => sum + (value - ((code >> j) & 1 ? 1 : -1)) ** 2, 0) /
        temperature,
    ),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function entropy(p: readonly number[]): number {
  return -p.reduce((sum, each) => sum + each * Math.log(each), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
