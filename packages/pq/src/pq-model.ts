import {
  ArgumentError,
  type Codes,
  type CompleteBackend,
  decodeTerms,
  type EncodeOptions,
  type HostTensor,
  type Matrix,
  type Model,
  type ModelState,
  type Rows,
  saveModel,
  ShapeError,
  type SplitSpec,
  type Term,
  throwIfAborted,
  type WorkOptions,
  checkFinite,
  checkMatrix,
} from "@tessera/core";
import { type DeviceEncoder, encodeOnDevice } from "@tessera/vq";
import { distanceTables, symmetricTables, type TableOptions } from "./tables.js";

/** What fitting found out, kept with the model. */
export interface PqFacts {
  /** Mean over the training rows of the squared L2 error. */
  readonly distortion?: number;
  /** Passes over the training rows. */
  readonly iterations?: number;
}

/**
 * Product quantization (Jégou, Douze and Schmid 2011, "Product quantization for nearest neighbor search"): the dimensions
 * are cut into M equal groups, and a row's code in each is the nearest of the group's own K codewords.
 */
export class PqModel implements Model<SplitSpec> {
  readonly spec: SplitSpec;
  /** One codebook per group, `[codebookSize, dimension / groups]`. */
  readonly codebooks: readonly Matrix[];
  readonly facts: PqFacts;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly terms: readonly Term[];

  /**
   * @param codebooks two or more of one shape `[codebookSize, d]`, finite
   * @throws {ArgumentError | ShapeError | NonFiniteError} if they are not
   */
  constructor(codebooks: readonly Matrix[], facts: PqFacts = {}) {
    const groups = codebooks.length;
    if (groups < 2) {
      throw new ArgumentError(`a product quantizer has 2 groups or more, not ${groups}`);
    }
    const { rows: codebookSize, cols } = codebooks[0]!;
    codebooks.forEach((codebook, m) => {
      checkMatrix(codebook, `codebook of group ${m + 1}`);
      checkFinite(codebook, `codebook of group ${m + 1}`);
      if (codebook.rows !== codebookSize || codebook.cols !== cols) {
        throw new ShapeError(
          `the codebook of group ${m + 1} is [${codebook.rows}, ${codebook.cols}], that of group 1 [${codebookSize}, ${cols}]`,
        );
      }
    });
    this.spec = { kind: "split", groups, each: { kind: "vq", codebookSize } };
    this.codebooks = codebooks;
    this.facts = facts;
    this.dimension = groups * cols;
    this.cardinalities = codebooks.map(() => codebookSize);
    this.prefixes = [groups];
    this.terms = codebooks.map((codebook, m) => ({ column: m, offset: m * cols, codebook }));
  }

  encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    return encodeOnDevice(this, rows, (backend) => openEncoder(backend, this), options);
  }

  async decode(codes: Codes, options: WorkOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    return decodeTerms(this, this.terms, codes);
  }

  /**
   * Distances from the slices of a query to all codewords, `[groups, codebookSize]`: the sum of a code's entries is its
   * distance from the query (asymmetric distance computation; section III-A, equation 13, of the paper). See
   * {@link tableDistances}.
   *
   * @param query `[dimension]`
   * @throws {ShapeError | NonFiniteError} if the query is not
   */
  distanceTables(query: Float32Array, options: TableOptions = {}): Matrix {
    return distanceTables(this, query, options);
  }

  /**
   * Distances between all codewords of each group, `[codebookSize, codebookSize]` each: between codes of two rows
   * (symmetric distance computation; equation 12). See {@link codeTables}.
   *
   * @throws {ArgumentError} if they would take more than 1 GiB
   */
  symmetricTables(options: TableOptions = {}): readonly Matrix[] {
    return symmetricTables(this, options);
  }

  state(): ModelState {
    const tensors: Record<string, HostTensor> = {};
    this.codebooks.forEach(({ data, rows, cols }, m) => {
      tensors[`groups.${m}.codebook`] = { dtype: "F32", shape: [rows, cols], data };
    });
    return { tensors, facts: { ...this.facts } };
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}

/** Facts of a model file, as far as they are ones. */
export function readPqFacts({
  distortion,
  iterations,
}: Readonly<Record<string, unknown>>): PqFacts {
  return {
    ...(typeof distortion === "number" && { distortion }),
    ...(typeof iterations === "number" && { iterations }),
  };
}

/** All groups in one assignment. */
function openEncoder(backend: CompleteBackend, { codebooks, dimension }: PqModel): DeviceEncoder {
  const { rows, cols } = codebooks[0]!;
  const joined = new Float32Array(codebooks.length * rows * cols);
  codebooks.forEach(({ data }, m) => joined.set(data, m * rows * cols));
  const tensor = backend.tensor(joined, [codebooks.length, rows, cols]);
  return {
    valuesPerRow: dimension + 2 * codebooks.length,
    encode(x) {
      const { codes, distances } = backend.assign(x, tensor);
      distances.dispose();
      const read = codes.read();
      codes.dispose();
      return read;
    },
    dispose: () => tensor.dispose(),
  };
}
