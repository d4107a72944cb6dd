import type { ComputeBackend } from "./backend.js";
import { Codes } from "./codes.js";
import { NonFiniteError, ShapeError } from "./errors.js";
import type { WorkOptions } from "./progress.js";
import { batchesOf, type Matrix, type Rows } from "./rows.js";
import type { HostTensor } from "./host-tensor.js";
import { encodeSafetensors } from "./safetensors.js";
import type { Spec } from "./spec/types.js";

/** Newest model format that this build reads and the one it writes. */
export const MODEL_FORMAT_VERSION = 1;

export interface EncodeOptions extends WorkOptions {
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
  /** Candidates that a search over residual levels keeps. Default: what the model was fitted with. */
  readonly beam?: number | undefined;
}

export interface DecodeOptions extends WorkOptions {
  /** Where to compute what is not done on the host. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
}

export interface FitOptions extends WorkOptions {
  /** Where to compute. Default: the shared default backend. */
  readonly backend?: ComputeBackend | undefined;
  /** Same seed, data and engine: same model, to the bit. Default 0. */
  readonly seed?: number | undefined;
  /** Most passes over the data for each codebook. Default: the part's own. */
  readonly iterations?: number | undefined;
  /** Independent starts of each codebook, of which the best is kept. Default: the part's own. */
  readonly restarts?: number | undefined;
  /** Stop a codebook when its objective improves by less than this share. Default: the part's own. */
  readonly tolerance?: number | undefined;
  /** Train on at most this many rows, drawn at random. Default: all. */
  readonly sample?: number | undefined;
  /** Candidates that residual levels keep, in fitting and as the default in encoding. Default 1 (greedy). */
  readonly beam?: number | undefined;
}

/**
 * A learned quantizer. Immutable: nothing that is called on it changes what it does later.
 */
export interface Model<S extends Spec = Spec> {
  readonly spec: S;
  /** Values per row, d. */
  readonly dimension: number;
  /** Number of values that each column of codes takes. */
  readonly cardinalities: readonly number[];
  /**
   * Numbers of leading columns that decode on their own, from coarse to fine; the last is all columns. `[1, 2, 3]` for
   * `rq3x256`, `[16]` for `pq16x256`, `[1, 17]` for `vq4096+pq16x256`.
   */
  readonly prefixes: readonly number[];
  /**
   * The model as a sum of codewords, if it is one: decoding adds, for each column, a codeword at an offset. Search builds
   * its look-up tables from this.
   */
  readonly terms?: readonly Term[];
  /** A better estimate of inner products with the rows behind codes than those with what the codes decode to. */
  readonly estimator?: ProductEstimator;

  /**
   * Codes of rows `[n, d]`.
   *
   * @throws {ShapeError} if the rows do not have `dimension` columns
   * @throws {NonFiniteError} naming the first row with a NaN or an infinity
   */
  encode(rows: Rows, options?: EncodeOptions): Promise<Codes>;
  /**
   * Rows `[n, d]` that codes stand for. Codes with fewer columns decode coarser, if `prefixes` has their number.
   *
   * @throws {ShapeError} if the number of columns is not one of `prefixes`
   * @throws {CodeRangeError} if a code is outside its cardinality
   */
  decode(codes: Codes, options?: DecodeOptions): Promise<Matrix>;
  /** What was learned, as plain tensors by name. */
  state(): ModelState;
  /** The bytes of a `.safetensors` file that `load` reads back to an equal model. */
  save(): Uint8Array;
}

/** One codebook's part in a reconstruction: `decoded[offset .. offset + codebook.cols) += codebook[codes[column]]`. */
export interface Term {
  readonly column: number;
  readonly offset: number;
  readonly codebook: Matrix;
}

/**
 * Estimates without bias: ⟨row i, query⟩ ≈ `stretches[i]` · ⟨Σ codewords of row i, query⟩, and ‖row i‖² = `squares[i]`. The
 * first is off by `deviations[i]` · ‖query‖, one standard deviation or a little less.
 */
export interface ProductEstimator {
  /** The sum of codewords that is stretched. */
  readonly terms: readonly Term[];
  /** @throws {FormatError} naming a row of codes that no row has */
  factors(codes: Codes): {
    readonly stretches: Float32Array;
    readonly squares: Float32Array;
    readonly deviations: Float32Array;
  };
}

export interface ModelState {
  /** Named with dots, as `levels.0.codebook`. */
  readonly tensors: Readonly<Record<string, HostTensor>>;
  /** Figures and settings to keep with the model, as JSON. Those of a model inside it go where its tensors' names say. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The bytes of a model's `.safetensors` file: tensors by name; spec, format version and facts in the metadata. */
export function saveModel(model: Model): Uint8Array {
  const { tensors, facts } = model.state();
  return encodeSafetensors(tensors, {
    format: "tessera",
    format_version: String(MODEL_FORMAT_VERSION),
    spec: JSON.stringify(model.spec),
    ...(facts === undefined ? {} : { facts: JSON.stringify(facts) }),
  });
}

/** Decodes with a sum of terms, in the order of the columns. Codes may be a prefix of the model's columns. */
export function decodeTerms(
  model: Pick<Model, "dimension" | "cardinalities" | "prefixes">,
  terms: readonly Term[],
  codes: Codes,
): Matrix {
  const { rows, columns } = checkCodes(model, codes);
  const decoded = { data: new Float32Array(rows * model.dimension), rows, cols: model.dimension };
  addTerms(
    decoded,
    terms.filter(({ column }) => column < columns),
    codes,
  );
  return decoded;
}

/** Adds the codewords of some terms to rows, in the order of the terms. The codes must have been checked. */
export function addTerms(rows: Matrix, terms: readonly Term[], codes: Codes): void {
  const { data, cols } = rows;
  for (const { column, offset, codebook } of terms) {
    const width = codebook.cols;
    for (let i = 0; i < rows.rows; i++) {
      const from = codes.data[i * codes.columns + column]! * width;
      const to = i * cols + offset;
      for (let j = 0; j < width; j++) data[to + j] = data[to + j]! + codebook.data[from + j]!;
    }
  }
}

/** Codes checked against a model: the right number of columns, every code within the model's own cardinality. */
export function checkCodes(model: Pick<Model, "cardinalities" | "prefixes">, codes: Codes): Codes {
  const { columns } = codes;
  if (!model.prefixes.includes(columns)) {
    throw new ShapeError(
      `the codes have ${columns} columns; this model decodes ${model.prefixes.join(", ")}`,
    );
  }
  const expected = model.cardinalities.slice(0, columns);
  return expected.every((k, j) => k === codes.cardinalities[j])
    ? codes
    : new Codes(codes.data, expected);
}

/** @throws {ShapeError} if a batch does not have the model's dimension */
export function checkDimension(model: Pick<Model, "dimension">, batch: Matrix): void {
  if (batch.cols !== model.dimension) {
    throw new ShapeError(
      `the rows have ${batch.cols} values; the model was fitted on ${model.dimension}`,
    );
  }
}

/** Codes of a stream, batch by batch, in bounded memory. `rows` per batch; the last may be shorter. */
export async function* encodeBatches(
  model: Model,
  rows: Rows,
  options: EncodeOptions & { batchRows?: number | undefined } = {},
): AsyncGenerator<Codes, void, undefined> {
  const { batchRows = 65_536, onProgress, ...encodeOptions } = options;
  let done = 0;
  for await (const batch of batchesOf(rows, batchRows, options.signal)) {
    yield await withRowOffset(done, () => model.encode(batch, encodeOptions));
    done += batch.rows;
    await onProgress?.({ task: "encode", done, total: (rows as { rows?: number }).rows });
  }
}

/** Runs `body` on a batch that starts at row `offset`, so that an error names the row of the whole. */
export async function withRowOffset<T>(offset: number, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof NonFiniteError) throw error.shifted(offset);
    throw error;
  }
}
