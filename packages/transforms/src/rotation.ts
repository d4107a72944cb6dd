import { type Matrix, Random, ShapeError } from "@tessera/core";
import type { TransformModel, TransformOf, TransformOptions, TransformPart } from "./contract.js";
import { multiplyRows } from "./dense.js";
import { checkOrthonormal } from "./linear/orthonormal.js";
import { randomOrthogonal } from "./linear/random-orthogonal.js";
import { checkCols, widthOf } from "./rows.js";
import { fromFile, matrixTensor } from "./state.js";

/** Transforms that are nothing but a rotation (a reflection may be part of it), drawn at random or learned. */
export type RotationSpec = TransformOf<"rotation" | "opq" | "itq">;

/** Turns rows by an orthogonal matrix R: y = R·x, whose inverse is Rᵀ·y. Distances and inner products stay. */
export class RotationTransform<T extends RotationSpec = RotationSpec> implements TransformModel<T> {
  readonly spec: T;
  readonly isometric = true;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** R `[d, d]`; its rows are the new axes. */
  readonly rotation: Matrix;

  /**
   * @param rotation `[d, d]`, orthogonal
   * @throws {ShapeError} if it is not
   */
  constructor(spec: T, rotation: Matrix) {
    if (rotation.rows !== rotation.cols) {
      throw new ShapeError(`the rotation is [${rotation.rows}, ${rotation.cols}], not square`);
    }
    checkOrthonormal(rotation, "the rotation");
    this.spec = spec;
    this.rotation = rotation;
    this.inputDimension = rotation.cols;
    this.outputDimension = rotation.cols;
  }

  apply(rows: Matrix, options: TransformOptions = {}): Promise<Matrix> {
    return this.#turn(rows, options, false);
  }

  invert(rows: Matrix, options: TransformOptions = {}): Promise<Matrix> {
    return this.#turn(rows, options, true);
  }

  tensors() {
    return { rotation: matrixTensor(this.rotation) };
  }

  async #turn(rows: Matrix, options: TransformOptions, transpose: boolean): Promise<Matrix> {
    checkCols(rows, this.inputDimension);
    return multiplyRows(rows, this.rotation, { ...options, transpose });
  }
}

/** A random rotation, uniform among all orthogonal matrices, of the seed and the dimension alone. */
export const rotationPart: TransformPart<"rotation"> = {
  kind: "rotation",
  async fit(spec, rows, { options: { signal }, seed }) {
    const d = await widthOf(rows, signal);
    const random = new Random(seed).stream("rotation");
    const rotation = Float32Array.from(await randomOrthogonal(d, random, signal));
    return new RotationTransform(spec, { data: rotation, rows: d, cols: d });
  },
  restore: restoreRotation,
};

/** A rotation of any kind from its file. */
export function restoreRotation<T extends RotationSpec>(
  spec: T,
  state: { matrix(name: string, rows: number): Matrix },
  dimension: number,
): RotationTransform<T> {
  return fromFile(() => new RotationTransform(spec, state.matrix("rotation", dimension)));
}
