import {
  ArgumentError,
  checkCodes,
  Codes,
  decodeTerms,
  type Model,
  NonFiniteError,
  type Term,
} from "@tessera/core";

/** A model that is a sum of codewords: a residual quantizer of any levels of `vq`, or a product quantizer. */
export type AdditiveModel = Pick<Model, "dimension" | "cardinalities" | "prefixes" | "terms">;

/** Rows that are decoded at a time. */
const BATCH_ROWS = 4096;
/** Values that tables of products may have: 512 MiB. */
const MOST_VALUES = 2 ** 26;
/** Values that a quantized norm takes. */
const NORM_LEVELS = 256;

/**
 * ‖x̂‖² of the rows that codes stand for. With it, the squared distance of a query q from such a row is
 * `‖q‖² − 2·Σ⟨q, c⟩ + ‖x̂‖²`, of which only the products with the codewords c depend on both.
 *
 * @param codes of all columns, or of a prefix
 * @returns `[n]`, each a float64 sum over the decoded row, rounded once
 * @throws {ArgumentError} if the model is no sum of codewords
 * @throws {ShapeError | CodeRangeError} if the codes are not the model's
 */
export function codeNorms(model: AdditiveModel, codes: Codes): Float32Array {
  const terms = termsOf(model);
  const { data, columns, cardinalities, rows } = checkCodes(model, codes);
  const norms = new Float32Array(rows);
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const end = Math.min(rows, start + BATCH_ROWS);
    const batch = new Codes(data.subarray(start * columns, end * columns), cardinalities);
    const decoded = decodeTerms(model, terms, batch);
    for (let i = start, at = 0; i < end; i++) {
      let sum = 0;
      for (const stop = at + decoded.cols; at < stop; at++) sum += decoded.data[at]! ** 2;
      norms[i] = sum;
    }
  }
  return norms;
}

/** Products of two columns' codewords, `[K, K']`: twice ⟨c, c'⟩, as both orders of the two occur in ‖x̂‖². */
interface PairTable {
  readonly a: number;
  readonly b: number;
  readonly cols: number;
  readonly values: Float64Array;
}

/**
 * Norms from codes alone, without decoding: ‖Σ c‖² is a sum of products ⟨c, c'⟩, which are looked up. For L codes of d
 * dimensions that is L·(L+1)/2 additions a row in place of L·d. Columns whose codewords share no dimension, such as those of
 * a product quantizer, need no products.
 */
export class NormTables {
  readonly #model: AdditiveModel;
  readonly #squares: readonly { readonly column: number; readonly values: Float64Array }[];
  readonly #pairs: readonly PairTable[];

  /** @throws {ArgumentError} if the model is no sum of codewords, or the tables would take more than 512 MiB */
  constructor(model: AdditiveModel) {
    const terms = termsOf(model);
    this.#model = model;
    this.#squares = terms.map((term) => ({
      column: term.column,
      values: Float64Array.from({ length: term.codebook.rows }, (_, k) =>
        product(term, k, term, k),
      ),
    }));
    const pairs = terms.flatMap((a, i) =>
      terms
        .slice(i + 1)
        .filter((b) => overlap(a, b))
        .map((b) => [a, b] as const),
    );
    const size = pairs.reduce((sum, [a, b]) => sum + a.codebook.rows * b.codebook.rows, 0);
    if (size > MOST_VALUES) {
      throw new ArgumentError(
        `tables of the products between codebooks would have ${size} values`,
        {
          hint: "codeNorms() decodes the codes instead",
        },
      );
    }
    this.#pairs = pairs.map(([a, b]) => {
      const cols = b.codebook.rows;
      const values = new Float64Array(a.codebook.rows * cols);
      for (let i = 0, at = 0; i < a.codebook.rows; i++) {
        for (let j = 0; j < cols; j++) values[at++] = 2 * product(a, i, b, j);
      }
      return { a: a.column, b: b.column, cols, values };
    });
  }

  /**
   * {@link codeNorms}, within 2⁻²²·(Σ‖c‖)², the error of decoding in float32.
   *
   * @returns `[n]`
   */
  norms(codes: Codes): Float32Array {
    const { data, columns, rows } = checkCodes(this.#model, codes);
    const squares = this.#squares.filter(({ column }) => column < columns);
    const pairs = this.#pairs.filter(({ a, b }) => a < columns && b < columns);
    const norms = new Float32Array(rows);
    for (let i = 0; i < rows; i++) {
      const at = i * columns;
      let sum = 0;
      for (const { column, values } of squares) sum += values[data[at + column]!]!;
      for (const { a, b, cols, values } of pairs) {
        sum += values[data[at + a]! * cols + data[at + b]!]!;
      }
      norms[i] = Math.max(0, sum);
    }
    return norms;
  }
}

/** Norms in a byte each: `lower + code · step`. */
export interface QuantizedNorms {
  readonly codes: Uint8Array;
  readonly lower: number;
  readonly step: number;
}

/**
 * Norms as the nearest of 256 values spread evenly from the least to the greatest, so each is off by at most `step / 2` and
 * float32 rounding. So a distance is off by no more than that either.
 *
 * @param range of all norms there will be, where the ones given are only some; others are clamped to it
 * @throws {NonFiniteError} naming a norm that is not finite
 */
export function quantizeNorms(
  norms: Float32Array,
  range: { readonly lower: number; readonly upper: number } = rangeOf(norms),
): QuantizedNorms {
  const { lower, upper } = range;
  const step = (upper - lower) / (NORM_LEVELS - 1);
  const codes = new Uint8Array(norms.length);
  norms.forEach((norm, i) => {
    if (!Number.isFinite(norm)) throw new NonFiniteError(i, "norms");
    const code = step > 0 ? Math.round((norm - lower) / step) : 0;
    codes[i] = Math.max(0, Math.min(NORM_LEVELS - 1, code));
  });
  return { codes, lower, step };
}

/** The norms that {@link quantizeNorms} made bytes of. */
export function restoreNorms({ codes, lower, step }: QuantizedNorms): Float32Array {
  return Float32Array.from(codes, (code) => lower + code * step);
}

function rangeOf(norms: Float32Array): { lower: number; upper: number } {
  let lower = Infinity;
  let upper = -Infinity;
  for (const norm of norms) {
    lower = Math.min(lower, norm);
    upper = Math.max(upper, norm);
  }
  return norms.length > 0 ? { lower, upper } : { lower: 0, upper: 0 };
}

function termsOf({ terms }: AdditiveModel): readonly Term[] {
  if (terms) return terms;
  throw new ArgumentError("norms need a model whose reconstructions are sums of codewords", {
    hint: "levels of vq are, and product quantizers; behind a transform, take the quantizer's own",
  });
}

function overlap(a: Term, b: Term): boolean {
  return a.offset < b.offset + b.codebook.cols && b.offset < a.offset + a.codebook.cols;
}

/** Inner product of codewords, each at its own place among the dimensions. */
function product(a: Term, i: number, b: Term, j: number): number {
  const start = Math.max(a.offset, b.offset);
  const end = Math.min(a.offset + a.codebook.cols, b.offset + b.codebook.cols);
  const fromA = i * a.codebook.cols - a.offset;
  const fromB = j * b.codebook.cols - b.offset;
  let sum = 0;
  for (let at = start; at < end; at++)
    sum += a.codebook.data[fromA + at]! * b.codebook.data[fromB + at]!;
  return sum;
}
