import {
  add,
  lessEqual,
  matMul,
  reshape,
  slice,
  square,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from "@tensorflow/tfjs-core";
import { ShapeError } from "@tessera/core";

export const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;

/**
 * Terms that a product adds at once. From 2000 terms on TensorFlow.js's WebGPU backend may add by atomics, in another order
 * each time.
 */
const MOST_TERMS = 1984;

/** @throws {ShapeError} unless z is `[..., d]` of float32 */
export function checkLatents(z: Tensor, dimension: number): void {
  if (z.dtype !== "float32") throw new ShapeError(`z holds ${z.dtype} elements, not float32`);
  if (z.rank === 0 || z.shape.at(-1) !== dimension) {
    throw new ShapeError(`z is [${z.shape.join(", ")}]; its last axis must be ${dimension}`, {
      hint: "a dense layer, or a convolution of size 1, before the quantizer changes the last axis",
    });
  }
}

/** `[..., d]` as rows. */
export function rowsOf(z: Tensor): Tensor2D {
  const d = z.shape.at(-1)!;
  return reshape(z, [z.size / d, d]);
}

/** Whether a row is finite and its squared norm is too, `[n]`. */
export function finiteRows(rows: Tensor2D): Tensor1D {
  return lessEqual(sum(square(rows), 1), MAX_FLOAT32);
}

/** a · b, with the same bits each time. */
export function product(a: Tensor2D, b: Tensor2D): Tensor2D {
  const [rows, terms] = a.shape;
  if (terms <= MOST_TERMS) return matMul(a, b);
  let total: Tensor2D | undefined;
  for (let start = 0; start < terms; start += MOST_TERMS) {
    const count = Math.min(MOST_TERMS, terms - start);
    const part = matMul<Tensor2D>(
      slice(a, [0, start], [rows, count]),
      slice(b, [start, 0], [count, b.shape[1]]),
    );
    total = total ? add(total, part) : part;
  }
  return total!;
}
