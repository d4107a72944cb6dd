import { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
import {
  checkDimension,
  type Codes,
  type CompleteBackend,
  type EncodeOptions,
  float16ToFloat32,
  float32ToFloat16,
  FormatError,
  isMatrix,
  type Matrix,
  type ModelState,
  NonFiniteError,
  type Rows,
  type StateReader,
} from "@tessera/core";
import { matrixTensor, readDimension, repeated, type ScalarCodec } from "./codec.js";

/** A row's scale over the model's unit is a finite half-precision number from 0: 15 bits. */
const SCALES = 0x7c00;

/**
 * Levels for a standard normal value, and a scale for each row (EDEN, Vargaftik et al. 2022; the levels alone are
 * TurboQuant's, Zandieh et al. 2025): a row r is brought to mean square 1, z = r·√d/‖r‖, the levels q nearest to z are
 * its codes, and it decodes to S·q with
 *
 *     S = ⟨q, r⟩ / ⟨q, q⟩   optimal: the least ‖S·q − r‖²
 *     S = ‖r‖² / ⟨q, r⟩     unbiased: ⟨S·q, y⟩ is right on average over random rotations of r and y
 *
 * S is the last column: in half precision, as a multiple of the typical scale of a row.
 */
export class ScaledCodec implements ScalarCodec {
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly kind: "optimal" | "unbiased";
  /** `[K, 1]` */
  readonly levels: Matrix;
  /** `[K − 1, 1]` */
  readonly thresholds: Matrix;
  /** `[1, 1]`, above 0 */
  readonly unit: Matrix;

  constructor(
    kind: "optimal" | "unbiased",
    dimension: number,
    { levels, thresholds, unit }: Readonly<Record<"levels" | "thresholds" | "unit", Matrix>>,
  ) {
    for (const [name, matrix] of Object.entries({ levels, thresholds, unit })) {
      if (matrix.cols !== 1) throw new FormatError(`"${name}" has ${matrix.cols} columns, not 1`);
    }
    if (!(unit.data[0]! > 0)) throw new FormatError(`the unit of scales is ${unit.data[0]}`);
    this.kind = kind;
    this.dimension = dimension;
    this.levels = levels;
    this.thresholds = thresholds;
    this.unit = unit;
    this.cardinalities = [...repeated(dimension, levels.rows), SCALES];
  }

  static restore(kind: "optimal" | "unbiased", count: number, state: StateReader): ScaledCodec {
    return new ScaledCodec(kind, readDimension(state.facts), {
      levels: state.matrix("levels", count),
      thresholds: state.matrix("thresholds", count - 1),
      unit: state.matrix("unit", 1),
    });
  }

  async encode(rows: Rows, options: EncodeOptions): Promise<Codes> {
    if (isMatrix(rows)) checkDimension(this, rows);
    return encodeOnDevice(this, rows, (backend) => this.#open(backend), options);
  }

  decode({ data, rows }: Codes): Matrix {
    const { dimension } = this;
    const levels = this.levels.data;
    const scales = float16ToFloat32(
      Uint16Array.from({ length: rows }, (_, i) => data[(i + 1) * (dimension + 1) - 1]!),
    );
    const decoded = new Float32Array(rows * dimension);
    for (let i = 0; i < rows; i++) {
      const scale = scales[i]! * this.unit.data[0]!;
      const from = i * (dimension + 1);
      for (let j = 0; j < dimension; j++) {
        decoded[i * dimension + j] = scale * levels[data[from + j]!]!;
      }
    }
    return { data: decoded, rows, cols: dimension };
  }

  state(): ModelState {
    return {
      tensors: {
        levels: matrixTensor(this.levels),
        thresholds: matrixTensor(this.thresholds),
        unit: matrixTensor(this.unit),
      },
      facts: { dimension: this.dimension },
    };
  }

  #open(backend: CompleteBackend): DeviceEncoder {
    const { dimension } = this;
    const { data, rows } = this.thresholds;
    const thresholds = backend.tensor(
      Float32Array.from({ length: rows * dimension }, (_, i) => data[Math.floor(i / dimension)]!),
      [rows, dimension],
    );
    const norms = new WeakMap<Matrix, Float64Array>();
    return {
      valuesPerRow: 2 * dimension,
      prepare: (batch) => {
        const unitRows = { ...batch, data: batch.data.slice() };
        norms.set(unitRows, normalize(unitRows));
        return unitRows;
      },
      encode: async (x, unitRows) => {
        const codes = backend.thresholdEncode(x, thresholds);
        const read = codes.read();
        codes.dispose();
        return this.#withScales(await read, unitRows, norms.get(unitRows)!);
      },
      dispose: () => thresholds.dispose(),
    };
  }

  /** The codes of each row and its scale. */
  #withScales(codes: Uint8Array, z: Matrix, norms: Float64Array): Uint16Array {
    const { dimension } = this;
    const levels = this.levels.data;
    const scales = new Float32Array(z.rows);
    for (let i = 0; i < z.rows; i++) {
      let along = 0;
      let square = 0;
      for (let at = i * dimension; at < (i + 1) * dimension; at++) {
        const level = levels[codes[at]!]!;
        along += level * z.data[at]!;
        square += level * level;
      }
      // Of z; r is ‖r‖/√d times as long.
      const scale = this.kind === "optimal" ? along / square : dimension / along;
      const relative = (scale * norms[i]!) / Math.sqrt(dimension) / this.unit.data[0]!;
      scales[i] = norms[i] === 0 ? 0 : Math.min(relative, 65504);
    }
    const bits = float32ToFloat16(scales);
    const joined = new Uint16Array(z.rows * (dimension + 1));
    for (let i = 0; i < z.rows; i++) {
      joined.set(codes.subarray(i * dimension, (i + 1) * dimension), i * (dimension + 1));
      joined[(i + 1) * (dimension + 1) - 1] = bits[i]!;
    }
    return joined;
  }
}

/** Brings each row to mean square 1, unless it is zero; returns the norms that the rows had. */
function normalize({ data, rows, cols }: Matrix): Float64Array {
  const norms = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let square = 0;
    for (let at = i * cols; at < (i + 1) * cols; at++) square += data[at]! * data[at]!;
    const norm = Math.sqrt(square);
    if (!Number.isFinite(norm)) throw new NonFiniteError(i);
    norms[i] = norm;
    const factor = norm === 0 ? 0 : Math.sqrt(cols) / norm;
    for (let at = i * cols; at < (i + 1) * cols; at++) data[at] = data[at]! * factor;
  }
  return norms;
}
