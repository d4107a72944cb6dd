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
  type ResidualSpec,
  type Rows,
  saveModel,
  ShapeError,
  type Term,
  throwIfAborted,
  withRowOffset,
} from "@tessera/core";
import { encodeOnDevice } from "@tessera/vq";
import { checkBeam, openEncoder } from "./encode.js";
import { levelColumns, subtract } from "./columns.js";
import { allVq } from "./search.js";

/** What fitting found out, kept with the model. */
export interface ResidualFacts {
  /** Candidates that encoding keeps unless told otherwise. 1 if left out. */
  readonly beam?: number;
  /** Mean over the training rows of the squared L2 error after each level. */
  readonly distortionPerLevel?: readonly number[];
  /** Under `refine=joint`: what the codebooks were before refinement. */
  readonly start?: "rq" | "pq" | "opq";
  /** Under `refine=joint`: rounds of refinement that were kept. */
  readonly rounds?: number;
  /** Under `shared`: what each level's codebook is, times the first one. The first scale is 1. */
  readonly scales?: readonly number[];
}

/** The options of a residual spec. */
export type ResidualSpecOptions = Omit<ResidualSpec, "kind" | "levels">;

/** Rows of a batch where levels encode one after another on the host. */
const BATCH_ROWS = 16_384;

/**
 * Residual quantization (Chen et al. 2010, "Approximate nearest neighbor search by residual vector quantization"): each
 * level quantizes what the levels before it left over, so a row is the sum of one reconstruction per level.
 */
export class ResidualModel implements Model<ResidualSpec> {
  readonly spec: ResidualSpec;
  /** One model per level, from coarse to fine. */
  readonly levels: readonly Model[];
  readonly facts: ResidualFacts;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  readonly terms?: readonly Term[];

  /**
   * @param levels two or more models of one dimension
   * @param options how the levels were learned, for the spec
   * @throws {ShapeError} if their dimensions differ
   */
  constructor(
    levels: readonly Model[],
    facts: ResidualFacts = {},
    { refine, start, shared }: ResidualSpecOptions = {},
  ) {
    if (levels.length < 2) {
      throw new ArgumentError(`a residual model has 2 levels or more, not ${levels.length}`);
    }
    this.dimension = levels[0]!.dimension;
    levels.forEach(({ dimension }, level) => {
      if (dimension !== this.dimension) {
        throw new ShapeError(
          `level ${level + 1} has ${dimension} dimensions, level 1 has ${this.dimension}`,
        );
      }
    });
    this.spec = {
      kind: "residual",
      levels: levels.map(({ spec }) => spec),
      ...(refine && { refine }),
      ...(start && { start }),
      ...(shared && { shared }),
    };
    this.levels = levels;
    this.facts = facts;
    this.cardinalities = levels.flatMap(({ cardinalities }) => cardinalities);
    const columns = levelColumns(levels);
    this.prefixes = levels.flatMap(({ prefixes }, l) => prefixes.map((p) => columns[l]!.start + p));
    if (levels.every(({ terms }) => terms !== undefined)) {
      this.terms = levels.flatMap(({ terms }, l) =>
        terms!.map(({ column, offset, codebook }) => ({
          column: columns[l]!.start + column,
          offset,
          codebook,
        })),
      );
    }
  }

  /** Candidates that encoding keeps unless told otherwise. */
  get beam(): number {
    return this.facts.beam ?? 1;
  }

  /**
   * The model of the first `count` levels. Under greedy encoding its codes are the first columns of this model's.
   *
   * @returns the first level itself for 1, this model for all
   */
  prefix(count: number): Model {
    const { levels } = this;
    if (!Number.isInteger(count) || count < 1 || count > levels.length) {
      throw new ArgumentError(`prefix of ${count} levels of a model with ${levels.length}`);
    }
    if (count === 1) return levels[0]!;
    if (count === levels.length) return this;
    const { beam, distortionPerLevel } = this.facts;
    return new ResidualModel(levels.slice(0, count), {
      ...(beam !== undefined && { beam }),
      ...(distortionPerLevel && { distortionPerLevel: distortionPerLevel.slice(0, count) }),
    });
  }

  async encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    const { levels } = this;
    const beam = options.beam ?? this.beam;
    checkBeam(beam, levels);
    if (!allVq(levels)) return this.#encodeByLevel(rows, options);
    return encodeOnDevice(
      this,
      rows,
      (backend) => openEncoder(backend, levels, beam, options.signal),
      options,
    );
  }

  async decode(codes: Codes, options: DecodeOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    if (this.terms) return decodeTerms(this, this.terms, codes);
    const { columns, rows } = checkCodes(this, codes);
    const decoded = new Float32Array(rows * this.dimension);
    for (const [l, { start, end }] of levelColumns(this.levels).entries()) {
      if (start >= columns) break;
      const level = this.levels[l]!;
      const used = Math.min(end, columns);
      const own = codeColumns(codes, start, level.cardinalities.slice(0, used - start));
      const part = await level.decode(own, options);
      for (let i = 0; i < decoded.length; i++) decoded[i] = decoded[i]! + part.data[i]!;
    }
    return { data: decoded, rows, cols: this.dimension };
  }

  state(): ModelState {
    const tensors: Record<string, HostTensor> = {};
    if (this.spec.shared) {
      const { tensors } = this.levels[0]!.state();
      return { tensors, facts: { ...this.facts } };
    }
    const states = this.levels.map((level) => level.state());
    states.forEach((state, l) => {
      for (const [name, tensor] of Object.entries(state.tensors)) {
        tensors[`levels.${l}.${name}`] = tensor;
      }
    });
    return { tensors, facts: { ...this.facts, levels: states.map(({ facts }) => facts ?? {}) } };
  }

  save(): Uint8Array {
    return saveModel(this);
  }

  /** For levels of any kind: each encodes on its own, and the host takes away what it decodes. */
  async #encodeByLevel(rows: Rows, options: EncodeOptions): Promise<Codes> {
    const { backend, signal, onProgress } = options;
    const total = (rows as { readonly rows?: number }).rows;
    const parts: Codes[] = [];
    let done = 0;
    for await (const batch of batchesOf(rows, BATCH_ROWS, signal)) {
      checkDimension(this, batch);
      parts.push(
        await withRowOffset(done, async () => {
          const columns: Codes[] = [];
          let left = batch;
          for (const [l, level] of this.levels.entries()) {
            const codes = await level.encode(left, { backend, signal });
            columns.push(codes);
            if (l + 1 < this.levels.length) {
              left = subtract(left, await level.decode(codes, { backend, signal }));
            }
          }
          return joinColumns(columns);
        }),
      );
      done += batch.rows;
      await onProgress?.({ task: "encode", done, total });
    }
    return parts.length > 0 ? joinCodes(parts) : new Codes([], this.cardinalities);
  }
}
