import {
  ArgumentError,
  batchesOf,
  checkCodes,
  checkDimension,
  codeColumns,
  Codes,
  type DecodeOptions,
  decodeTerms,
  type EncodeOptions,
  type HostTensor,
  joinCodes,
  joinColumns,
  type Matrix,
  type Model,
  type ModelState,
  printSpec,
  type Rows,
  saveModel,
  ShapeError,
  sliceColumns,
  type SplitSpec,
  type Term,
  throwIfAborted,
  withRowOffset,
} from "@tessera/core";

/** What fitting found out, kept with the model. */
export interface SplitFacts {
  /** Mean over the training rows of the squared L2 error. */
  readonly distortion?: number;
}

/** Rows of a batch: its slices are copied on the host. */
const BATCH_ROWS = 16_384;

/**
 * A product of any quantizers: the dimensions are cut into equal groups with a sub-quantizer each, and a row's codes are
 * those of its slices, one group's after another's. {@link PqModel} is the product of codebooks.
 */
export class SplitModel implements Model<SplitSpec> {
  readonly spec: SplitSpec;
  /** One model per group, all of one dimension and one spec. */
  readonly groups: readonly Model[];
  readonly facts: SplitFacts;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly terms?: readonly Term[];

  /**
   * @param groups two or more models of one spec and dimension
   * @throws {ArgumentError | ShapeError} if they are not
   */
  constructor(groups: readonly Model[], facts: SplitFacts = {}) {
    if (groups.length < 2) {
      throw new ArgumentError(`a product quantizer has 2 groups or more, not ${groups.length}`);
    }
    const { dimension, spec } = groups[0]!;
    groups.forEach((group, m) => {
      if (group.dimension !== dimension) {
        throw new ShapeError(
          `group ${m + 1} has ${group.dimension} dimensions, group 1 has ${dimension}`,
        );
      }
      if (printSpec(group.spec) !== printSpec(spec)) {
        throw new ArgumentError(
          `group ${m + 1} is ${printSpec(group.spec)}, group 1 is ${printSpec(spec)}`,
        );
      }
    });
    this.spec = { kind: "split", groups: groups.length, each: spec };
    this.groups = groups;
    this.facts = facts;
    this.dimension = groups.length * dimension;
    this.cardinalities = groups.flatMap(({ cardinalities }) => cardinalities);
    // Only all groups together decode: there is no coarser whole row.
    this.prefixes = [this.cardinalities.length];
    if (groups.every(({ terms }) => terms !== undefined)) {
      this.terms = groups.flatMap(({ terms, cardinalities }, m) =>
        terms!.map(({ column, offset, codebook }) => ({
          column: m * cardinalities.length + column,
          offset: m * dimension + offset,
          codebook,
        })),
      );
    }
  }

  async encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    const { backend, signal, beam, onProgress } = options;
    throwIfAborted(signal);
    const width = this.dimension / this.groups.length;
    const total = (rows as { readonly rows?: number }).rows;
    const parts: Codes[] = [];
    let done = 0;
    for await (const batch of batchesOf(rows, BATCH_ROWS, signal)) {
      checkDimension(this, batch);
      const columns = await withRowOffset(done, async () => {
        const codes: Codes[] = [];
        for (const [m, group] of this.groups.entries()) {
          const slice = sliceColumns(batch, m * width, (m + 1) * width);
          codes.push(await group.encode(slice, { backend, signal, beam }));
        }
        return codes;
      });
      parts.push(joinColumns(columns));
      done += batch.rows;
      await onProgress?.({ task: "encode", done, total });
    }
    return parts.length > 0 ? joinCodes(parts) : new Codes([], this.cardinalities);
  }

  async decode(codes: Codes, options: DecodeOptions = {}): Promise<Matrix> {
    const { backend, signal } = options;
    throwIfAborted(signal);
    if (this.terms) return decodeTerms(this, this.terms, codes);
    const checked = checkCodes(this, codes);
    const decoded = new Float32Array(checked.rows * this.dimension);
    const width = this.dimension / this.groups.length;
    for (const [m, group] of this.groups.entries()) {
      const { cardinalities } = group;
      const own = codeColumns(checked, m * cardinalities.length, cardinalities);
      const slice = await group.decode(own, { backend, signal });
      for (let i = 0; i < checked.rows; i++) {
        const row = slice.data.subarray(i * width, (i + 1) * width);
        decoded.set(row, i * this.dimension + m * width);
      }
    }
    return { data: decoded, rows: checked.rows, cols: this.dimension };
  }

  state(): ModelState {
    const tensors: Record<string, HostTensor> = {};
    const states = this.groups.map((group) => group.state());
    states.forEach((state, m) => {
      for (const [name, tensor] of Object.entries(state.tensors)) {
        tensors[`groups.${m}.${name}`] = tensor;
      }
    });
    return { tensors, facts: { ...this.facts, groups: states.map(({ facts }) => facts ?? {}) } };
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}

/** Facts of a model file, as far as they are ones. */
export function readSplitFacts({ distortion }: Readonly<Record<string, unknown>>): SplitFacts {
  return typeof distortion === "number" ? { distortion } : {};
}
