import {
  ArgumentError,
  checkCodes,
  checkDimension,
  Codes,
  type DecodeOptions,
  decodeTerms,
  type EncodeOptions,
  type HostTensor,
  isMatrix,
  type Matrix,
  type Model,
  type ModelState,
  NonFiniteError,
  type Rows,
  saveModel,
  type SplitSpec,
  type Term,
  throwIfAborted,
} from "@tessera/core";
import type { SplitFacts } from "./split-model.js";

/**
 * A product whose groups share one sub-quantizer, as the heads of multi-head vector quantization may: the slices of a row
 * are quantized as if each were a row. A row's codes are those of its slices, one group's after another's.
 */
export class SharedSplitModel implements Model<SplitSpec> {
  readonly spec: SplitSpec;
  /** The model of every slice. */
  readonly each: Model;
  readonly facts: SplitFacts;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly terms?: readonly Term[];

  /**
   * @param groups 2 or more
   * @throws {ArgumentError} if there are fewer
   */
  constructor(groups: number, each: Model, facts: SplitFacts = {}) {
    if (!(Number.isInteger(groups) && groups >= 2)) {
      throw new ArgumentError(`a product quantizer has 2 groups or more, not ${groups}`);
    }
    const { dimension, cardinalities, terms, spec } = each;
    const numbers = Array.from({ length: groups }, (_, m) => m);
    this.spec = { kind: "split", groups, each: spec, shared: true };
    this.each = each;
    this.facts = facts;
    this.dimension = groups * dimension;
    this.cardinalities = numbers.flatMap(() => cardinalities);
    this.prefixes = [this.cardinalities.length];
    if (terms !== undefined) {
      this.terms = numbers.flatMap((m) =>
        terms.map(({ column, offset, codebook }) => ({
          column: m * cardinalities.length + column,
          offset: m * dimension + offset,
          codebook,
        })),
      );
    }
  }

  async encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    const { onProgress } = options;
    const { groups } = this.spec;
    const codes = await namingWholeRow(groups, () =>
      this.each.encode(slicesAsRows(rows, groups, this.dimension), {
        ...options,
        onProgress:
          onProgress &&
          ((progress) =>
            onProgress({
              ...progress,
              done: Math.floor(progress.done / groups),
              total: progress.total === undefined ? undefined : progress.total / groups,
            })),
      }),
    );
    return new Codes(codes.data, this.cardinalities);
  }

  async decode(codes: Codes, options: DecodeOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    if (this.terms) return decodeTerms(this, this.terms, codes);
    const { data, rows } = checkCodes(this, codes);
    const decoded = await this.each.decode(new Codes(data, this.each.cardinalities), options);
    return { data: decoded.data, rows, cols: this.dimension };
  }

  state(): ModelState {
    const { tensors, facts } = this.each.state();
    const named: Record<string, HostTensor> = {};
    for (const [name, tensor] of Object.entries(tensors)) named[`shared.${name}`] = tensor;
    return { tensors: named, facts: { ...this.facts, shared: facts ?? {} } };
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}

/**
 * The slices of rows as rows of their own, one row's after another's. They lie so in memory: nothing is copied.
 *
 * @throws {ShapeError} for a batch of another dimension
 */
export function slicesAsRows(rows: Rows, groups: number, dimension: number): Rows {
  const cut = (batch: Matrix): Matrix => {
    checkDimension({ dimension }, batch);
    return { data: batch.data, rows: batch.rows * groups, cols: batch.cols / groups };
  };
  if (isMatrix(rows)) return cut(rows);
  return {
    async *[Symbol.asyncIterator]() {
      for await (const batch of rows) yield cut(batch);
    },
  };
}

/** Runs `body` on slices, so that an error names the row that a slice is of. */
export async function namingWholeRow<T>(groups: number, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof NonFiniteError)) throw error;
    throw new NonFiniteError(Math.floor(error.row / groups));
  }
}
