import { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
import {
  type Codes,
  type CompleteBackend,
  type EncodeOptions,
  type Matrix,
  type ModelState,
  type Rows,
  type StateReader,
  type Term,
} from "@tessera/core";
import { checkSameColumns, matrixTensor, repeated, type ScalarCodec } from "./codec.js";

/** Levels anywhere, for each dimension, in cells between thresholds. */
export class CellCodec implements ScalarCodec {
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly terms: readonly Term[];
  /** `[K, d]`, increasing from row to row. */
  readonly levels: Matrix;
  /** `[K − 1, d]`: a value's code is the number of them that it exceeds. */
  readonly thresholds: Matrix;

  constructor(levels: Matrix, thresholds: Matrix) {
    checkSameColumns(["levels", levels], ["thresholds", thresholds]);
    this.levels = levels;
    this.thresholds = thresholds;
    this.dimension = levels.cols;
    this.cardinalities = repeated(this.dimension, levels.rows);
    this.terms = this.cardinalities.map((count, j) => ({
      column: j,
      offset: j,
      codebook: {
        data: Float32Array.from(
          { length: count },
          (_, code) => levels.data[code * levels.cols + j]!,
        ),
        rows: count,
        cols: 1,
      },
    }));
  }

  static restore(count: number, state: StateReader): CellCodec {
    return new CellCodec(state.matrix("levels", count), state.matrix("thresholds", count - 1));
  }

  encode(rows: Rows, options: EncodeOptions): Promise<Codes> {
    return encodeOnDevice(this, rows, (backend) => this.#open(backend), options);
  }

  decode({ data, rows }: Codes): Matrix {
    const { dimension } = this;
    const levels = this.levels.data;
    const decoded = new Float32Array(rows * dimension);
    for (let at = 0; at < decoded.length; at += dimension) {
      for (let j = 0; j < dimension; j++) decoded[at + j] = levels[data[at + j]! * dimension + j]!;
    }
    return { data: decoded, rows, cols: dimension };
  }

  state(): ModelState {
    return {
      tensors: { levels: matrixTensor(this.levels), thresholds: matrixTensor(this.thresholds) },
    };
  }

  #open(backend: CompleteBackend): DeviceEncoder {
    const { data, rows, cols } = this.thresholds;
    const thresholds = backend.tensor(data, [rows, cols]);
    return {
      valuesPerRow: cols,
      encode(x) {
        const codes = backend.thresholdEncode(x, thresholds);
        const read = codes.read();
        codes.dispose();
        return read;
      },
      dispose: () => thresholds.dispose(),
    };
  }
}
