import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { differences, expectClose, gradients, normal } from "../../test/differences.js";
import { engines } from "../../test/engines.js";
import { registerGradients } from "../index.js";

const [cpu, ...others] = engines;
const a = normal([2, 3], 1);
const b = normal([2, 3], 2);
const row = normal([3], 3);
const positive = tf.add(tf.abs(b), 0.5);
const image = normal([2, 5, 4, 2], 4);
const filter = normal([3, 2, 2, 3], 5);
const spread = tf.tensor2d([0.3, -1.2, 2, 0.9, -0.4, 1.5], [2, 3]);
const indices = tf.tensor1d([2, 0, 2, 1], "int32");
const mask = tf.tensor2d([1, 0, 1, 0, 0, 1], [2, 3], "bool");

const PADDED = "conv2d with a pad";

type Case = [string, (...xs: tf.Tensor[]) => tf.Tensor, tf.Tensor[]];
const as4d = (x: tf.Tensor): tf.Tensor4D => x as tf.Tensor4D;

const cases: Case[] = [
  ["abs", tf.abs, [spread]],
  ["cast", (x) => tf.cast(x, "float32"), [a]],
  ["clipByValue", (x) => tf.clipByValue(x, -1, 1), [spread]],
  ["elu", tf.elu, [spread]],
  ["erf", tf.erf, [a]],
  ["exp", tf.exp, [a]],
  ["clone", (x) => tf.mul(tf.clone(x), x), [a]],
  ["leakyRelu", (x) => tf.leakyRelu(x, 0.1), [spread]],
  ["log", tf.log, [positive]],
  ["neg", tf.neg, [a]],
  ["relu", tf.relu, [spread]],
  ["rsqrt", tf.rsqrt, [positive]],
  ["sigmoid", tf.sigmoid, [a]],
  ["softplus", tf.softplus, [a]],
  ["sqrt", tf.sqrt, [positive]],
  ["square", tf.square, [a]],
  ["tanh", tf.tanh, [a]],
  ["add, broadcast", (x, y) => tf.add(x, y), [a, row]],
  ["sub, broadcast", (x, y) => tf.sub(y, x), [a, row]],
  ["mul, broadcast", (x, y) => tf.mul(x, y), [a, row]],
  ["mul, of an axis of 1", (x, y) => tf.mul(x, y), [a, normal([2, 1], 6)]],
  ["div, broadcast", (x, y) => tf.div(y, x), [positive, row]],
  ["squaredDifference", (x, y) => tf.squaredDifference(x, y), [a, row]],
  ["maximum", (x, y) => tf.maximum(x, y), [spread, tf.scalar(0.5)]],
  ["minimum", (x, y) => tf.minimum(x, y), [spread, tf.scalar(0.5)]],
  ["addN", (x, y) => tf.addN([x, y, x]), [a, b]],
  ["where", (x, y) => tf.where(mask, x, y), [a, b]],
  ["sum", (x) => tf.sum(x), [a]],
  ["sum along an axis", (x) => tf.sum(x, -1, true), [a]],
  ["mean", (x) => tf.mean(x), [a]],
  ["mean along axes", (x) => tf.mean(x, [0, 2]), [image]],
  ["max", (x) => tf.max(x, 1), [spread]],
  ["softmax", (x) => tf.softmax(x), [a]],
  ["logSoftmax", (x) => tf.logSoftmax(x), [a]],
  ["reshape", (x) => tf.square(tf.reshape(x, [3, 2])), [a]],
  ["expandDims and squeeze", (x) => tf.squeeze(tf.expandDims(x, 1)), [a]],
  ["transpose", (x) => tf.transpose(x, [2, 0, 3, 1]), [image]],
  ["slice", (x) => tf.slice(x, [1, 1], [1, 2]), [a]],
  [
    "pad",
    (x) =>
      tf.pad(x, [
        [1, 0],
        [0, 2],
      ]),
    [a],
  ],
  ["tile", (x) => tf.tile(x, [2, 3]), [a]],
  ["concat", (x, y) => tf.square(tf.concat([x, y], 1)), [a, normal([2, 2], 7)]],
  ["stack", (x, y) => tf.square(tf.stack([x, y], 1)), [a, b]],
  ["unstack", (x) => tf.mul(tf.unstack(x, 1)[0]!, tf.unstack(x, 1)[2]!), [a]],
  ["split", (x) => tf.mul(...(tf.split(x, [1, 1], 0) as [tf.Tensor, tf.Tensor])), [a]],
  ["gather", (x) => tf.gather(x, indices, 0), [normal([3, 2], 8)]],
  ["gather along an axis", (x) => tf.gather(x, tf.reshape(indices, [2, 2]), 1), [image]],
  ["matMul", (x, y) => tf.matMul(x, y), [a, normal([3, 2], 9)]],
  ["matMul, first transposed", (x, y) => tf.matMul(x, y, true), [a, b]],
  ["matMul, second transposed", (x, y) => tf.matMul(x, y, false, true), [a, b]],
  [
    "matMul, both transposed",
    (x, y) => tf.matMul(x, y, true, true),
    [normal([3, 2], 10), normal([4, 3], 11)],
  ],
  [
    "matMul of batches, one broadcast",
    (x, y) => tf.matMul(x, y),
    [normal([2, 2, 3], 12), normal([1, 3, 2], 13)],
  ],
  ["conv2d", (x, f) => tf.conv2d(as4d(x), as4d(f), 1, "valid"), [image, filter]],
  ["conv2d with strides", (x, f) => tf.conv2d(as4d(x), as4d(f), [2, 3], "same"), [image, filter]],
  [PADDED, (x, f) => tf.conv2d(as4d(x), as4d(f), 2, 1, "NHWC", 1, "floor"), [image, filter]],
  [
    "conv2dTranspose",
    (y, f) => tf.conv2dTranspose(as4d(y), as4d(f), [2, 5, 4, 2], 2, "same"),
    [normal([2, 3, 2, 3], 14), filter],
  ],
  ["maxPool", (x) => tf.maxPool(as4d(x), 2, 2, "valid"), [image]],
  [
    "resizeNearestNeighbor",
    (x) => tf.image.resizeNearestNeighbor(as4d(x), [10, 8]),
    [normal([1, 5, 4, 1], 15)],
  ],
];

describe("registerGradients", () => {
  it("leaves those alone that are there", () => {
    expect(tf.getGradient("Exp")).toBeUndefined();
    const own = { kernelName: "Exp", gradFunc: () => ({}) };
    tf.registerGradient(own);
    const registered = registerGradients();
    expect(registered).not.toContain("Exp");
    expect(registered).toContain("Conv2D");
    expect(tf.getGradient("Exp")).toBe(own);
    expect(registerGradients()).toEqual([]);
    tf.unregisterGradient("Exp");
    expect(registerGradients()).toEqual(["Exp"]);
  });
});

describe("gradients", () => {
  beforeAll(() => {
    registerGradients();
  });

  it.each(cases)("of %s are central differences", async (_, f, xs) => {
    await cpu!.use();
    const weights = normal(f(...xs).shape, 20);
    const found = await gradients(f, xs, weights);
    expectClose(found, await differences(f, xs, weights), 2e-3);
  });

  it("name what they do not do", () => {
    const x = as4d(image);
    const dilated = (f: tf.Tensor): tf.Tensor => tf.conv2d(x, as4d(f), 1, "same", "NHWC", 2);
    expect(() => tf.grad(dilated)(filter)).toThrow(/without dilation/);
  });

  describe.each([...others])("on $name", (engine) => {
    // TensorFlow.js's wasm backend itself reads past the image where the pad is a number.
    const own = cases.filter(([name]) => engine.name !== "wasm" || name !== PADDED);

    it.skipIf(engine.obstacle)("are those of the cpu backend", { timeout: 120_000 }, async () => {
      await cpu!.use();
      const expected: number[][][] = [];
      for (const [, f, xs] of own) {
        expected.push(await gradients(f, xs, normal(f(...xs).shape, 20)));
      }
      await engine.use();
      for (const [i, [name, f, xs]] of own.entries()) {
        const found = await gradients(f, xs, normal(f(...xs).shape, 20));
        expectClose(found, expected[i]!, 1e-3, name);
      }
    });
  });
});
