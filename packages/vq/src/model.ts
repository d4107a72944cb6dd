import { type DeviceEncoder, encodeOnDevice } from "@tessera/backend";
import {
  ArgumentError,
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
  type Term,
  throwIfAborted,
  type VqSpec,
  type WorkOptions,
} from "@tessera/core";

/** What fitting found out, kept with the model. */
export interface VqFacts {
  /** Mean over the training rows of the squared L2 error. Under `l2` only. */
  readonly distortion?: number;
  /** Mean over the training rows of the inner product with their codewords. Under `ip` and `cosine` only. */
  readonly similarity?: number;
  /** Passes over the training rows. */
  readonly iterations?: number;
}

/** Vector quantization (Gray 1984): a row's code is the index of its nearest codeword. */
export class VqModel implements Model<VqSpec> {
  readonly spec: VqSpec;
  /** `[codebookSize, dimension]` */
  readonly codebook: Matrix;
  readonly facts: VqFacts;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[] = [1];
  readonly terms: readonly Term[];

  /**
   * @param codebook `[spec.codebookSize, d]`, finite; of unit-norm codewords under `cosine`
   * @throws {ShapeError | NonFiniteError} if it is not
   */
  constructor(spec: VqSpec, codebook: Matrix, facts: VqFacts = {}) {
    checkMatrix(codebook, "codebook");
    checkFinite(codebook, "codebook");
    if (codebook.rows !== spec.codebookSize) {
      throw new ShapeError(
        `the codebook has ${codebook.rows} codewords; the spec says ${spec.codebookSize}`,
      );
    }
    this.spec = spec;
    this.codebook = codebook;
    this.facts = facts;
    this.dimension = codebook.cols;
    this.cardinalities = [spec.codebookSize];
    this.terms = [{ column: 0, offset: 0, codebook }];
  }

  encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    return encodeOnDevice(this, rows, (backend) => openEncoder(backend, this), options);
  }

  async decode(codes: Codes, options: WorkOptions = {}): Promise<Matrix> {
    throwIfAborted(options.signal);
    return decodeTerms(this, this.terms, codes);
  }

  state(): ModelState {
    const { data, rows, cols } = this.codebook;
    return {
      tensors: { codebook: { dtype: "F32", shape: [rows, cols], data } },
      facts: { ...this.facts },
    };
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}

/** Facts of a model file, as far as they are ones. */
export function readFacts(facts: Readonly<Record<string, unknown>>): VqFacts {
  const known: Record<string, number> = {};
  for (const name of ["distortion", "similarity", "iterations"]) {
    if (typeof facts[name] === "number") known[name] = facts[name];
  }
  return known;
}

/** The backend metric that a spec's codes are assigned by. */
export function assignMetric(spec: VqSpec): "l2" | "ip" {
  return spec.metric === undefined ? "l2" : "ip";
}

/** @throws {ArgumentError} if a metric from outside is none */
export function checkVqMetric(metric: unknown): void {
  if (!["l2", "ip", "cosine"].includes(metric as string)) {
    throw new ArgumentError(`metric is "${String(metric)}"; it must be l2, ip or cosine`);
  }
}

function openEncoder(backend: CompleteBackend, model: VqModel): DeviceEncoder {
  const { codebook, spec } = model;
  const codebooks = backend.tensor(codebook.data, [1, codebook.rows, codebook.cols]);
  const metric = assignMetric(spec);
  return {
    valuesPerRow: codebook.cols,
    encode(x) {
      const { codes, distances } = backend.assign(x, codebooks, { metric });
      distances.dispose();
      const read = codes.read();
      codes.dispose();
      return read;
    },
    dispose: () => codebooks.dispose(),
  };
}
