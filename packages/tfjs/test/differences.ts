import * as tf from "@tensorflow/tfjs-core";
import { Random } from "@tessera/core";
import { expect } from "vitest";
import { valuesOf } from "./engines.js";

/** Normal values. */
export function normal(shape: number[], seed: number, spread = 1): tf.Tensor {
  const random = new Random(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => spread * random.normal()),
    shape,
  );
}

/** The gradients with respect to xs of ⟨weights, f(xs)⟩, by TensorFlow.js. */
export async function gradients(
  f: (...xs: tf.Tensor[]) => tf.Tensor,
  xs: tf.Tensor[],
  weights: tf.Tensor,
): Promise<number[][]> {
  return Promise.all(
    tf
      .grads(f)(xs, weights)
      .map((gradient) => valuesOf(gradient)),
  );
}

/** The same by central differences, added up in float64. */
export async function differences(
  f: (...xs: tf.Tensor[]) => tf.Tensor,
  xs: readonly tf.Tensor[],
  weights: tf.Tensor,
  step = 1e-2,
): Promise<number[][]> {
  const w = await valuesOf(weights);
  const value = async (given: tf.Tensor[]): Promise<number> => {
    const y = await valuesOf(f(...given));
    return y.reduce((total, each, i) => total + each * w[i]!, 0);
  };
  const found: number[][] = [];
  for (const [which, x] of xs.entries()) {
    const base = await valuesOf(x);
    const slopes: number[] = [];
    for (const i of base.keys()) {
      const at = (shift: number): tf.Tensor[] => {
        const moved = Float32Array.from(base, (each, j) => (i === j ? each + shift : each));
        return xs.with(which, tf.tensor(moved, x.shape));
      };
      slopes.push(((await value(at(step))) - (await value(at(-step)))) / (2 * step));
    }
    found.push(slopes);
  }
  return found;
}

/** @param tolerance relative to the largest value of each list */
export function expectClose(
  found: readonly number[][],
  expected: readonly number[][],
  tolerance = 1e-3,
  what = "",
): void {
  expect(found.map((list) => list.length)).toEqual(expected.map((list) => list.length));
  found.forEach((list, which) => {
    const other = expected[which]!;
    const scale = Math.max(...other.map(Math.abs), 1e-3);
    const errors = list.map((value, i) => Math.abs(value - other[i]!) / scale);
    // NaN is no small error.
    expect(
      errors.every((error) => error <= tolerance),
      `${what} ${which}: ${list.join()}`,
    ).toBe(true);
  });
}
