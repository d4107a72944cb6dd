import type { Matrix } from "@tessera/core";
import type { TransformModel, TransformOf, TransformPart } from "./contract.js";
import { meanOf } from "./moments.js";
import { addRow, checkCols, rowOf } from "./rows.js";
import { matrixTensor } from "./state.js";

/** Takes the mean of the training rows away: y = x − μ. The inverse adds it again. */
export class CenterTransform implements TransformModel<TransformOf<"center">> {
  readonly spec: TransformOf<"center"> = { kind: "center" };
  readonly isometric = true;
  readonly inputDimension: number;
  readonly outputDimension: number;
  /** `[1, d]` */
  readonly mean: Matrix;

  /** @param mean `[1, d]`, finite */
  constructor(mean: Matrix) {
    this.mean = mean;
    this.inputDimension = mean.cols;
    this.outputDimension = mean.cols;
  }

  async apply(rows: Matrix): Promise<Matrix> {
    checkCols(rows, this.inputDimension);
    return addRow(rows, this.mean, -1);
  }

  async invert(rows: Matrix): Promise<Matrix> {
    checkCols(rows, this.outputDimension);
    return addRow(rows, this.mean, 1);
  }

  tensors() {
    return { mean: matrixTensor(this.mean) };
  }
}

export const centerPart: TransformPart<"center"> = {
  kind: "center",
  fit: async (_, rows, { options }) => new CenterTransform(rowOf(await meanOf(rows, options))),
  restore: (_, state) => new CenterTransform(state.matrix("mean", 1)),
};
