import { resolveBackend } from "@tessera/backend";
import {
  ArgumentError,
  batchesOf,
  checkCodes,
  checkDimension,
  codeArrayFor,
  Codes,
  type EncodeOptions,
  isMatrix,
  type Matrix,
  type Model,
  type ModelState,
  NonFiniteError,
  pause,
  type ProductEstimator,
  type Rows,
  saveModel,
  type SignSpec,
  throwIfAborted,
  withRowOffset,
  type WorkOptions,
} from "@tessera/core";
import { CodewordSearch } from "./codeword.js";
import { checkEpsilon, DEFAULT_EPSILON, estimateProducts, type Estimates } from "./estimate.js";
import { FACTOR_COLUMNS, FactorWriter, gridRows, readFactors, type RowFactors } from "./factors.js";
import { productEstimator } from "./product-estimator.js";
import { prepareQueries } from "./query.js";

/** The most values that a row may have. */
export const MAX_DIMENSION = 2 ** 16;
/** Values between two pauses. */
const BATCH_VALUES = 2 ** 20;

export interface EstimateOptions extends Pick<WorkOptions, "signal"> {
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: EncodeOptions["backend"];
  /**
   * ε₀: how wide the bounds are. A true value lies outside with a probability of about that of a normal distribution to
   * be ε₀ deviations off. Default 1.9, as in the paper.
   */
  readonly epsilon?: number | undefined;
  /** Rounds each value of a query to 4 or 8 bits, as scans with integers do. Default: not rounded. */
  readonly queryBits?: 4 | 8 | undefined;
  /** Seed of the rounding, which goes up or down at random. Default 0. */
  readonly seed?: number | undefined;
}

/**
 * The leaf of RaBitQ (Gao and Long 2024, "RaBitQ: quantizing high-dimensional vectors with a theoretical error bound for
 * approximate nearest neighbor search"; Gao et al. 2024 for more bits): the nearest direction of a grid, and beside it
 * the row's norm and the cosine of the angle between the two.
 *
 * Its columns of codes are one for each dimension, of `bits` bits, then eight bytes: norm and cosine as float32, least
 * significant byte first. Its estimates are unbiased, and its bounds hold, for rows and queries that were turned by a
 * random rotation; the spec `rabitq` has one.
 */
export class RabitqModel implements Model<SignSpec> {
  readonly spec: SignSpec;
  readonly dimension: number;
  /** Bits per dimension. */
  readonly bits: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly estimator: ProductEstimator;

  /**
   * @param spec with estimator `rabitq`
   * @param dimension 1..2¹⁶
   */
  constructor(spec: SignSpec, dimension: number) {
    if (spec.estimator !== "rabitq") {
      throw new ArgumentError("a RaBitQ model needs the spec sign(estimator=rabitq)");
    }
    if (!Number.isInteger(dimension) || dimension < 1 || dimension > MAX_DIMENSION) {
      throw new ArgumentError(
        `the dimension is ${dimension}; RaBitQ takes rows of 1 to ${MAX_DIMENSION} values`,
      );
    }
    this.spec = spec;
    this.dimension = dimension;
    this.bits = spec.bits ?? 1;
    this.cardinalities = [
      ...Array.from({ length: dimension }, () => 2 ** this.bits),
      ...Array.from({ length: FACTOR_COLUMNS }, () => 256),
    ];
    this.prefixes = [this.cardinalities.length];
    this.estimator = productEstimator(this);
  }

  async encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    const { signal, onProgress } = options;
    throwIfAborted(signal);
    if (isMatrix(rows)) checkDimension(this, rows);
    const total = (rows as { readonly rows?: number }).rows;
    const search = new CodewordSearch(this.dimension, this.bits);
    const size = Math.ceil(BATCH_VALUES / this.dimension);
    const parts: (Uint8Array | Uint16Array)[] = [];
    let done = 0;
    for await (const batch of batchesOf(rows, size, signal)) {
      checkDimension(this, batch);
      parts.push(await withRowOffset(done, async () => this.#encodeBatch(batch, search)));
      done += batch.rows;
      await onProgress?.({ task: "encode", done, total });
      await pause();
    }
    const { cardinalities } = this;
    const joined = new (codeArrayFor(cardinalities))(done * cardinalities.length);
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return new Codes(joined, cardinalities);
  }

  /** The multiple of its codeword that is nearest to each row. */
  async decode(codes: Codes, options: WorkOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    const { rows } = checkCodes(this, codes);
    const { norms, cosines } = readFactors(codes);
    const { grid, lengths } = gridRows(codes, 0, rows, this.dimension, this.bits);
    for (let i = 0, at = 0; i < rows; i++) {
      const scale = (norms[i]! * cosines[i]!) / lengths[i]!;
      for (let j = 0; j < this.dimension; j++, at++) grid.data[at] = scale * grid.data[at]!;
    }
    return grid;
  }

  /**
   * Norms and cosines of rows, out of their codes.
   *
   * @throws {FormatError} naming a row whose factors no row can have
   */
  factors(codes: Codes): RowFactors {
    return readFactors(checkCodes(this, codes));
  }

  /**
   * Inner products of queries and rows, estimated from the rows' codes. Both are what the model was given to encode: after
   * the transforms before it, if there are any. `estimateDistances` and `estimateInnerProducts` see to those.
   *
   * @param queries `[q, d]`
   * @param codes of n rows, made by this model
   * @throws {NonFiniteError} naming a query that is not finite
   */
  async estimate(queries: Matrix, codes: Codes, options: EstimateOptions = {}): Promise<Estimates> {
    const { epsilon = DEFAULT_EPSILON, queryBits, seed = 0, signal } = options;
    checkEpsilon(epsilon);
    checkDimension(this, queries);
    checkCodes(this, codes);
    const prepared = prepareQueries(queries, queryBits, seed);
    const backend = await resolveBackend(options.backend);
    return estimateProducts(backend, prepared, codes, this.bits, epsilon, signal);
  }

  state(): ModelState {
    return { tensors: {}, facts: { dimension: this.dimension } };
  }

  save(): Uint8Array {
    return saveModel(this);
  }

  #encodeBatch({ data, rows }: Matrix, search: CodewordSearch): Uint8Array | Uint16Array {
    const { dimension, cardinalities } = this;
    const columns = cardinalities.length;
    const codes = new (codeArrayFor(cardinalities))(rows * columns) as Uint8Array | Uint16Array;
    const writer = new FactorWriter();
    for (let i = 0; i < rows; i++) {
      const { squares, cosine } = search.encode(data, i * dimension, codes, i * columns);
      if (!Number.isFinite(Math.fround(squares))) throw new NonFiniteError(i);
      writer.write(codes, i * columns + dimension, Math.sqrt(squares), cosine);
    }
    return codes;
  }
}
