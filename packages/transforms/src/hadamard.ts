import { type Matrix, Random, ShapeError, throwIfAborted } from "@tessera/core";
import type { TransformModel, TransformOf, TransformOptions, TransformPart } from "./contract.js";
import { walshHadamard } from "./linear/walsh-hadamard.js";
import { checkCols, widthOf } from "./rows.js";
import { fromFile, matrixTensor } from "./state.js";

/** Rows between two looks at the signal. */
const ROWS_BETWEEN_CHECKS = 4096;

/**
 * The randomized Hadamard transform (Ailon and Chazelle 2009): y = H·(s ∘ x) / √p, with random signs s and Hadamard's
 * matrix H of p dimensions, in p·log₂p additions. It spreads what few dimensions hold over all of them, as a random
 * rotation does, without its d² products and values.
 *
 * p is the next power of two from d; rows are padded with zeros, so the quantizer behind the transform sees p values. The
 * inverse s ∘ (H·y) / √p drops what lies in the padding. That is the row nearest to y among all that rows of d values are
 * transformed to, so the error can only get smaller.
 */
export class HadamardTransform implements TransformModel<TransformOf<"hadamard">> {
  readonly spec: TransformOf<"hadamard"> = { kind: "hadamard" };
  readonly isometric = true;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** s `[1, d]`, 1 or −1 each. */
  readonly signs: Matrix;

  /**
   * @param signs `[1, d]`
   * @throws {ShapeError} if they are not all 1 or −1
   */
  constructor(signs: Matrix) {
    const bad = signs.data.find((sign) => Math.abs(sign) !== 1);
    if (bad !== undefined) throw new ShapeError(`the signs have a ${bad} among them`);
    this.signs = signs;
    this.inputDimension = signs.cols;
    this.outputDimension = paddedDimension(signs.cols);
  }

  async apply(rows: Matrix, { signal }: TransformOptions = {}): Promise<Matrix> {
    checkCols(rows, this.inputDimension);
    const { data: signs, cols: d } = this.signs;
    const p = this.outputDimension;
    const spread = new Float32Array(rows.rows * p);
    for (let i = 0; i < rows.rows; i++) {
      if (i % ROWS_BETWEEN_CHECKS === 0) throwIfAborted(signal);
      for (let j = 0; j < d; j++) spread[i * p + j] = signs[j]! * rows.data[i * d + j]!;
      walshHadamard(spread, i * p, p);
    }
    return { data: spread, rows: rows.rows, cols: p };
  }

  async invert(rows: Matrix, { signal }: TransformOptions = {}): Promise<Matrix> {
    const p = this.outputDimension;
    checkCols(rows, p);
    const { data: signs, cols: d } = this.signs;
    const original = new Float32Array(rows.rows * d);
    const row = new Float32Array(p);
    for (let i = 0; i < rows.rows; i++) {
      if (i % ROWS_BETWEEN_CHECKS === 0) throwIfAborted(signal);
      row.set(rows.data.subarray(i * p, (i + 1) * p));
      walshHadamard(row, 0, p);
      for (let j = 0; j < d; j++) original[i * d + j] = signs[j]! * row[j]!;
    }
    return { data: original, rows: rows.rows, cols: d };
  }

  tensors() {
    return { signs: matrixTensor(this.signs) };
  }
}

/** Signs of the seed and the dimension alone. */
export const hadamardPart: TransformPart<"hadamard"> = {
  kind: "hadamard",
  async fit(_, rows, { options, seed }) {
    const cols = await widthOf(rows, options.signal);
    const random = new Random(seed).stream("signs");
    const data = Float32Array.from({ length: cols }, () => 1 - 2 * random.integer(2));
    return new HadamardTransform({ data, rows: 1, cols });
  },
  restore: (_, state) => fromFile(() => new HadamardTransform(state.matrix("signs", 1))),
};

function paddedDimension(d: number): number {
  let p = 1;
  while (p < d) p *= 2;
  return p;
}
