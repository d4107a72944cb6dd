import {
  batchesOf,
  type Codes,
  type EncodeOptions,
  type HostTensor,
  isMatrix,
  type Matrix,
  type Model,
  type ModelState,
  type Rows,
  saveModel,
  ShapeError,
  throwIfAborted,
  type TransformedSpec,
} from "@tessera/core";
import type { TransformModel, TransformOptions } from "./contract.js";

/** Transformed rows that are held in memory: 256 MiB. More are transformed anew in each pass. */
const HELD_VALUES = 2 ** 26;
/** Values of a batch where rows are not held. */
const BATCH_VALUES = 2 ** 22;

/**
 * A transform with a quantizer behind it: rows are transformed and then encoded, codes are decoded and then transformed
 * back. So the distortion is that of the rows that went in, with all that the transform itself loses.
 *
 * A search over its codes need not transform them back: where `transform.isometric`, it transforms the query instead, and
 * compares it with the codes as it would under `quantizer` alone.
 */
export class TransformedModel implements Model<TransformedSpec> {
  readonly spec: TransformedSpec;
  readonly transform: TransformModel;
  /** Of rows as the transform gives them. */
  readonly quantizer: Model;
  readonly dimension: number;
  readonly cardinalities: readonly number[];
  readonly prefixes: readonly number[];

  /** @throws {ShapeError} if the quantizer does not take rows of the dimension that the transform gives */
  constructor(transform: TransformModel, quantizer: Model) {
    if (transform.outputDimension !== quantizer.dimension) {
      throw new ShapeError(
        `the transform gives rows of ${transform.outputDimension} values, the quantizer takes ${quantizer.dimension}`,
      );
    }
    this.spec = { kind: "transformed", transform: transform.spec, quantizer: quantizer.spec };
    this.transform = transform;
    this.quantizer = quantizer;
    this.dimension = transform.inputDimension;
    this.cardinalities = quantizer.cardinalities;
    this.prefixes = quantizer.prefixes;
  }

  async encode(rows: Rows, options: EncodeOptions = {}): Promise<Codes> {
    const { backend, signal } = options;
    throwIfAborted(signal);
    return this.quantizer.encode(
      await transformRows(this.transform, rows, { backend, signal }),
      options,
    );
  }

  async decode(codes: Codes, options: TransformOptions = {}): Promise<Matrix> {
    const decoded = await this.quantizer.decode(codes, options);
    return this.transform.invert(decoded, options);
  }

  state(): ModelState {
    const { tensors, facts } = this.quantizer.state();
    const own = this.transform.facts?.();
    return {
      tensors: {
        ...prefixed("transform", this.transform.tensors()),
        ...prefixed("quantizer", tensors),
      },
      ...((facts ?? own) && {
        facts: { ...(own && { transform: own }), ...(facts && { quantizer: facts }) },
      }),
    };
  }

  save(): Uint8Array {
    return saveModel(this);
  }
}

/** Transformed rows, in memory where they are and fit; a stream batch by batch, anew in each pass. */
export async function transformRows(
  transform: TransformModel,
  rows: Rows,
  options: TransformOptions,
): Promise<Rows> {
  const { inputDimension, outputDimension } = transform;
  const widest = Math.max(inputDimension, outputDimension);
  if (isMatrix(rows) && rows.rows * outputDimension <= HELD_VALUES) {
    return transform.apply(rows, options);
  }
  return {
    async *[Symbol.asyncIterator]() {
      for await (const batch of batchesOf(rows, Math.ceil(BATCH_VALUES / widest), options.signal)) {
        yield await transform.apply(batch, options);
      }
    },
  };
}

function prefixed(
  name: string,
  tensors: Readonly<Record<string, HostTensor>>,
): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(tensors).map(([inner, tensor]) => [`${name}.${inner}`, tensor]),
  );
}
