import type { Matrix } from "@tessera/core";
import type { TransformModel, TransformOf, TransformPart } from "./contract.js";
import { checkCols, widthOf } from "./rows.js";

/**
 * Scales each row to unit norm: y = x / ‖x‖; a row of zeros stays. Norms are taken in float64.
 *
 * The length is not kept, so the inverse is the identity: what is decoded stands for the direction of a row alone. Its
 * distortion, measured against the rows that went in, has the lengths in it; of rows of unit norm it is that of the
 * quantizer behind the transform.
 */
export class NormalizeTransform implements TransformModel<TransformOf<"normalize">> {
  readonly spec: TransformOf<"normalize"> = { kind: "normalize" };
  readonly isometric = false;
  readonly queries = "keep";
  readonly inputDimension: number;
  readonly outputDimension: number;

  constructor(dimension: number) {
    this.inputDimension = dimension;
    this.outputDimension = dimension;
  }

  async apply(rows: Matrix): Promise<Matrix> {
    checkCols(rows, this.inputDimension);
    const { data, cols } = rows;
    const unit = new Float32Array(data.length);
    for (let start = 0; start < data.length; start += cols) {
      let squares = 0;
      for (let at = start; at < start + cols; at++) squares += data[at]! * data[at]!;
      const norm = squares === 0 ? 1 : Math.sqrt(squares);
      for (let at = start; at < start + cols; at++) unit[at] = data[at]! / norm;
    }
    return { data: unit, rows: rows.rows, cols };
  }

  async invert(rows: Matrix): Promise<Matrix> {
    checkCols(rows, this.outputDimension);
    return rows;
  }

  tensors() {
    return {};
  }
}

export const normalizePart: TransformPart<"normalize"> = {
  kind: "normalize",
  fit: async (_, rows, { options }) => new NormalizeTransform(await widthOf(rows, options.signal)),
  restore: (_, _state, dimension) => new NormalizeTransform(dimension),
};
