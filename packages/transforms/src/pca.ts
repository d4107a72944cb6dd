import { ArgumentError, type Matrix, ShapeError, symmetricEigen } from "@tessera/core";
import type { TransformModel, TransformOf, TransformOptions, TransformPart } from "./contract.js";
import { multiplyRows } from "./dense.js";
import { checkOrthonormal } from "./linear/orthonormal.js";
import { momentsOf } from "./moments.js";
import { addRow, checkCols, rowOf } from "./rows.js";
import { fromFile, matrixTensor } from "./state.js";

/** Least deviation that whitening divides by, as a share of the largest: below it there is but rounding to magnify. */
const LEAST_DEVIATION = 2 ** -10;

/**
 * Principal component analysis: y = V·(x − μ), where the rows of V `[k, d]` are the directions of largest variance, and
 * with whitening each value divided by its standard deviation. The inverse μ + Vᵀ·y gives the nearest point of the
 * hyperplane that the components span: what a row has outside it is lost, and is part of the distortion.
 */
export class PcaTransform implements TransformModel<TransformOf<"pca">> {
  readonly spec: TransformOf<"pca">;
  readonly isometric: boolean;
  readonly queries: "apply" | undefined;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** μ `[1, d]` */
  readonly mean: Matrix;
  /** V `[k, d]`, orthonormal rows, largest variance first. */
  readonly components: Matrix;
  /** `[1, k]`, what whitening divides by. */
  readonly deviations: Matrix | undefined;

  /**
   * @param mean `[1, d]`
   * @param components `[k, d]`, orthonormal rows
   * @param deviations `[1, k]`, more than 0; given if and only if the transform whitens
   * @throws {ShapeError} if they are not
   */
  constructor(mean: Matrix, components: Matrix, deviations?: Matrix) {
    const { rows: k, cols: d } = components;
    if (mean.rows !== 1 || mean.cols !== d) {
      throw new ShapeError(`the mean has ${mean.cols} values, the components have ${d}`);
    }
    checkOrthonormal(components, "the components");
    if (deviations && (deviations.cols !== k || !deviations.data.every((value) => value > 0))) {
      throw new ShapeError(`the deviations of ${k} components must be ${k} values above 0`);
    }
    this.spec = { kind: "pca", dimension: k, ...(deviations && { whiten: true }) };
    this.isometric = k === d && deviations === undefined;
    this.queries = deviations === undefined ? "apply" : undefined;
    this.inputDimension = d;
    this.outputDimension = k;
    this.mean = mean;
    this.components = components;
    this.deviations = deviations;
  }

  async apply(rows: Matrix, options: TransformOptions = {}): Promise<Matrix> {
    checkCols(rows, this.inputDimension);
    const centred = addRow(rows, this.mean, -1);
    const projected = await multiplyRows(centred, this.components, {
      ...options,
      transpose: false,
    });
    const { deviations } = this;
    return deviations ? mapColumns(projected, deviations, (value, by) => value / by) : projected;
  }

  async invert(rows: Matrix, options: TransformOptions = {}): Promise<Matrix> {
    checkCols(rows, this.outputDimension);
    const { deviations } = this;
    const scaled = deviations ? mapColumns(rows, deviations, (value, by) => value * by) : rows;
    const turned = await multiplyRows(scaled, this.components, { ...options, transpose: true });
    return addRow(turned, this.mean, 1);
  }

  tensors() {
    return {
      mean: matrixTensor(this.mean),
      components: matrixTensor(this.components),
      ...(this.deviations && { deviations: matrixTensor(this.deviations) }),
    };
  }
}

export const pcaPart: TransformPart<"pca"> = {
  kind: "pca",
  async fit({ dimension, whiten }, rows, { options }) {
    const { mean, covariance } = await momentsOf(rows, options);
    const d = mean.length;
    if (dimension > d) {
      throw new ArgumentError(
        `pca${dimension} needs rows of ${dimension} values or more, not ${d}`,
      );
    }
    const { values, vectors } = await symmetricEigen(covariance, d, options.signal);
    const components = {
      data: Float32Array.from(vectors.subarray(0, dimension * d)),
      rows: dimension,
      cols: d,
    };
    const deviations = whiten && rowOf(deviationsOf(values.subarray(0, dimension)));
    return new PcaTransform(rowOf(mean), components, deviations);
  },
  restore: ({ dimension, whiten }, state) =>
    fromFile(
      () =>
        new PcaTransform(
          state.matrix("mean", 1),
          state.matrix("components", dimension),
          whiten && state.matrix("deviations", 1),
        ),
    ),
};

function deviationsOf(variances: Float64Array): Float64Array {
  const largest = Math.sqrt(Math.max(0, variances[0]!));
  if (largest === 0) return variances.map(() => 1);
  return variances.map((variance) =>
    Math.max(Math.sqrt(Math.max(0, variance)), LEAST_DEVIATION * largest),
  );
}

function mapColumns(
  { data, rows, cols }: Matrix,
  row: Matrix,
  map: (value: number, by: number) => number,
): Matrix {
  const mapped = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += cols) {
    for (let j = 0; j < cols; j++) mapped[at + j] = map(data[at + j]!, row.data[j]!);
  }
  return { data: mapped, rows, cols };
}
