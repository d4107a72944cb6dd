import {
  checkCodes,
  type Codes,
  type EncodeOptions,
  type Matrix,
  type Model,
  type ModelState,
  type Rows,
  saveModel,
  type SqSpec,
  type Term,
  throwIfAborted,
  type WorkOptions,
} from "@tessera/core";
import type { ScalarCodec } from "./codec.js";

/** Scalar quantization: one code for each dimension of a row. */
export class ScalarModel implements Model<SqSpec> {
  readonly spec: SqSpec;
  /** What was learned: a `UniformCodec`, `CellCodec`, `ScaledCodec` or `HalfCodec`. */
  readonly codec: ScalarCodec;
  readonly dimension: number;
  /** 2^bits for each dimension; with a `scale`, one column more. */
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];
  /** One codebook of numbers for each dimension, unless rows have scales of their own or codes have 16 bits. */
  readonly terms?: readonly Term[];

  constructor(spec: SqSpec, codec: ScalarCodec) {
    this.spec = spec;
    this.codec = codec;
    this.dimension = codec.dimension;
    this.cardinalities = codec.cardinalities;
    this.prefixes = [codec.cardinalities.length];
    if (codec.terms) this.terms = codec.terms;
  }

  encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    return this.codec.encode(rows, options);
  }

  /** On the host, where it is one step per value: taking codes to a device and values back would be two. */
  async decode(codes: Codes, options: WorkOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    return this.codec.decode(checkCodes(this, codes));
  }

  state(): ModelState {
    return this.codec.state();
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}
