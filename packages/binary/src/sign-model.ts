import { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
import {
  checkFinite,
  checkMatrix,
  type Codes,
  type CompleteBackend,
  decodeTerms,
  type EncodeOptions,
  type Matrix,
  type Model,
  type ModelState,
  type Rows,
  saveModel,
  ShapeError,
  type SignSpec,
  type Term,
  throwIfAborted,
  type WorkOptions,
} from "@tessera/core";

/** What fitting found out, kept with the model. */
export interface SignFacts {
  /** Mean over the training rows of the squared L2 error. */
  readonly distortion?: number;
}

/**
 * One bit per dimension: whether the value exceeds the dimension's threshold. A bit decodes to the mean of the training
 * values on its side, the point of least squared error.
 *
 * `codes.pack()` gives the bits as faiss packs them, `packUbinary` and `packBinary` as sentence-transformers does.
 */
export class SignModel implements Model<SignSpec> {
  readonly spec: SignSpec;
  /** `[1, dimension]` */
  readonly thresholds: Matrix;
  /** What a 0 (row 0) and a 1 (row 1) of each dimension decode to, `[2, dimension]`. */
  readonly reconstruction: Matrix;
  readonly facts: SignFacts;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly terms: readonly Term[];

  /**
   * @param thresholds `[1, d]`, finite
   * @param reconstruction `[2, d]`, finite
   * @throws {ShapeError | NonFiniteError} if they are not
   */
  constructor(spec: SignSpec, thresholds: Matrix, reconstruction: Matrix, facts: SignFacts = {}) {
    checkMatrix(thresholds, "thresholds");
    checkMatrix(reconstruction, "reconstruction");
    checkFinite(thresholds, "thresholds");
    checkFinite(reconstruction, "reconstruction");
    const { cols } = thresholds;
    if (thresholds.rows !== 1 || reconstruction.rows !== 2 || reconstruction.cols !== cols) {
      throw new ShapeError(
        `thresholds are [${thresholds.rows}, ${cols}] and the reconstruction [${reconstruction.rows}, ${reconstruction.cols}]; they must be [1, d] and [2, d]`,
      );
    }
    this.spec = spec;
    this.thresholds = thresholds;
    this.reconstruction = reconstruction;
    this.facts = facts;
    this.dimension = cols;
    this.cardinalities = Array.from({ length: cols }, () => 2);
    this.prefixes = [cols];
    this.terms = this.cardinalities.map((_, j) => ({
      column: j,
      offset: j,
      codebook: {
        data: Float32Array.of(reconstruction.data[j]!, reconstruction.data[cols + j]!),
        rows: 2,
        cols: 1,
      },
    }));
  }

  encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    return encodeOnDevice(this, rows, (backend) => openEncoder(backend, this), options);
  }

  async decode(codes: Codes, options: WorkOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    return decodeTerms(this, this.terms, codes);
  }

  state(): ModelState {
    return {
      tensors: {
        thresholds: { dtype: "F32", shape: [1, this.dimension], data: this.thresholds.data },
        reconstruction: {
          dtype: "F32",
          shape: [2, this.dimension],
          data: this.reconstruction.data,
        },
      },
      facts: { ...this.facts },
    };
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}

function openEncoder(backend: CompleteBackend, model: SignModel): DeviceEncoder {
  const { dimension } = model;
  const thresholds = backend.tensor(model.thresholds.data);
  return {
    valuesPerRow: dimension,
    async encode(x) {
      const packed = backend.packSigns(x, thresholds);
      const bytes = packed.read();
      packed.dispose();
      return unpackBits(await bytes, dimension);
    },
    dispose: () => thresholds.dispose(),
  };
}

/** One byte, 0 or 1, per bit of rows that are filled up to whole bytes. */
function unpackBits(packed: Uint8Array, dimension: number): Uint8Array {
  const rowBytes = Math.ceil(dimension / 8);
  const bits = new Uint8Array((packed.length / rowBytes) * dimension);
  for (let row = 0, at = 0; at < bits.length; row += rowBytes) {
    for (let j = 0; j < dimension; j++, at++) bits[at] = (packed[row + (j >> 3)]! >> (j & 7)) & 1;
  }
  return bits;
}
