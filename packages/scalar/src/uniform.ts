import { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
import {
  type Codes,
  type CompleteBackend,
  type EncodeOptions,
  FormatError,
  type Matrix,
  type ModelState,
  type Rows,
  type StateReader,
  type Term,
} from "@tessera/core";
import { checkSameColumns, matrixTensor, repeated, type ScalarCodec } from "./codec.js";

/** Levels evenly from `lower` in steps, for each dimension: `lower + code · step`. */
export class UniformCodec implements ScalarCodec {
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly terms: readonly Term[];
  /** `[1, d]` */
  readonly lower: Matrix;
  /** `[1, d]` */
  readonly step: Matrix;
  readonly levels: number;

  constructor(levels: number, lower: Matrix, step: Matrix) {
    checkSameColumns(["lower", lower], ["step", step]);
    if (step.data.some((value) => value < 0)) throw new FormatError("a step is below 0");
    this.levels = levels;
    this.lower = lower;
    this.step = step;
    this.dimension = lower.cols;
    this.cardinalities = repeated(this.dimension, levels);
    this.terms = this.cardinalities.map((_, j) => ({
      column: j,
      offset: j,
      codebook: {
        data: Float32Array.from({ length: levels }, (__, code) => this.#value(j, code)),
        rows: levels,
        cols: 1,
      },
    }));
  }

  static restore(levels: number, state: StateReader): UniformCodec {
    return new UniformCodec(levels, state.matrix("lower", 1), state.matrix("step", 1));
  }

  encode(rows: Rows, options: EncodeOptions): Promise<Codes> {
    return encodeOnDevice(this, rows, (backend) => this.#open(backend), options);
  }

  decode({ data, rows }: Codes): Matrix {
    const { dimension } = this;
    const decoded = new Float32Array(rows * dimension);
    const lower = this.lower.data;
    const step = this.step.data;
    for (let at = 0; at < decoded.length; at += dimension) {
      for (let j = 0; j < dimension; j++) {
        decoded[at + j] = lower[j]! + Math.fround(data[at + j]! * step[j]!);
      }
    }
    return { data: decoded, rows, cols: dimension };
  }

  state(): ModelState {
    return { tensors: { lower: matrixTensor(this.lower), step: matrixTensor(this.step) } };
  }

  #value(j: number, code: number): number {
    return Math.fround(this.lower.data[j]! + Math.fround(code * this.step.data[j]!));
  }

  #open(backend: CompleteBackend): DeviceEncoder {
    const { dimension, levels } = this;
    const lower = backend.tensor(this.lower.data);
    const step = backend.tensor(this.step.data);
    return {
      valuesPerRow: dimension,
      encode(x) {
        const codes = backend.scalarEncode(x, lower, step, { levels });
        const read = codes.read();
        codes.dispose();
        return read;
      },
      dispose() {
        lower.dispose();
        step.dispose();
      },
    };
  }
}
