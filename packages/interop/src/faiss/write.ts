import {
  ArgumentError,
  checkFinite,
  checkMatrix,
  Codes,
  type Matrix,
  type Model,
  printSpec,
  ShapeError,
} from "@tessera/core";
import { TransformedModel, type TransformModel } from "@tessera/transforms";
import { UnsupportedError } from "../errors.js";
import { writeFlatIndex } from "./flat.js";
import { type Header, writeHeader } from "./header.js";
import type { FaissMetric } from "./import.js";
import { isIvf, writeIvf } from "./ivf.js";
import { isProduct, writeIndexPq } from "./pq.js";
import { isResidual, writeIndexResidual } from "./residual.js";
import { isScalar, writeIndexScalar } from "./scalar.js";
import { writeTransform } from "./transforms.js";
import { FaissWriter } from "./writer.js";

export interface WriteFaissOptions {
  /** The rows' codes. Default: none, an index that is trained and empty. */
  readonly codes?: Codes | undefined;
  /** An id for each row. Default: 0, 1, 2, … */
  readonly ids?: BigInt64Array | undefined;
  /** What faiss ranks by. Default `l2`. */
  readonly metric?: FaissMetric | undefined;
}

/**
 * A model and codes as a faiss index file, for `faiss.read_index` or `faiss.deserialize_index`. `pq…`, `vq…` become an
 * `IndexPQ`; `rq…` an `IndexResidualQuantizer`; `vq…+pq…` and `vq…+sq8` an `IndexIVFPQ` and an `IndexIVFScalarQuantizer`;
 * `sq8`, `sq6`, `sq4`, `fp16` and `bf16` an `IndexScalarQuantizer`; transforms an `IndexPreTransform` around those.
 *
 * faiss' codebooks have a power of two of codewords: others are filled up with their first, which faiss never chooses.
 *
 * @throws {UnsupportedError} if faiss has no form for the model
 * @throws {ShapeError} if codes or ids are not the model's
 */
export function writeFaiss(model: Model, options: WriteFaissOptions = {}): Uint8Array {
  const { codes = new Codes([], model.cardinalities), ids, metric = "l2" } = options;
  checkMetric(metric);
  if (codes.cardinalities.join() !== model.cardinalities.join()) {
    throw new ShapeError(
      `the codes have columns of ${codes.cardinalities.join(", ")} codes, the model ${model.cardinalities.join(", ")}`,
    );
  }
  checkIds(ids, codes.rows);
  const writer = new FaissWriter();
  const { chain, quantizer } = unwrapped(model);
  const map = keepsIds(quantizer) ? undefined : ids;
  const header: Header = { dimension: model.dimension, count: codes.rows, metric };
  if (map) {
    writer.fourcc("IxM2");
    writeHeader(writer, header);
  }
  if (chain.length > 0) {
    writer.fourcc("IxPT");
    writeHeader(writer, header);
    writer.int32(chain.length);
    for (const transform of chain) writeTransform(writer, transform);
  }
  writeQuantizer(writer, quantizer, { ...header, dimension: quantizer.dimension }, codes, ids);
  if (map) writer.vector(map);
  return writer.finish();
}

/**
 * Rows as an `IndexFlatL2` or `IndexFlatIP` file.
 *
 * @param rows `[n, d]`
 * @throws {NonFiniteError} naming a row that is not finite
 */
export function writeFaissFlat(
  rows: Matrix,
  options: Omit<WriteFaissOptions, "codes"> = {},
): Uint8Array {
  const { ids, metric = "l2" } = options;
  checkMetric(metric);
  checkMatrix(rows);
  checkFinite(rows);
  checkIds(ids, rows.rows);
  const writer = new FaissWriter();
  if (ids) {
    writer.fourcc("IxM2");
    writeHeader(writer, { dimension: rows.cols, count: rows.rows, metric });
  }
  writeFlatIndex(writer, rows, metric);
  if (ids) writer.vector(ids);
  return writer.finish();
}

function writeQuantizer(
  writer: FaissWriter,
  model: Model,
  header: Header,
  codes: Codes,
  ids: BigInt64Array | undefined,
): void {
  const begin = (fourcc: string): void => {
    writer.fourcc(fourcc);
    writeHeader(writer, header);
  };
  if (isProduct(model)) {
    begin("IxPq");
    writeIndexPq(writer, model, codes.pack());
  } else if (isResidual(model)) {
    begin("IxRq");
    writeIndexResidual(writer, model, codes.pack());
  } else if (isScalar(model)) {
    begin("IxSQ");
    writeIndexScalar(writer, model, codes.pack());
  } else if (isIvf(model)) {
    begin(isScalar(model.levels[1]!) ? "IwSq" : "IwPQ");
    writeIvf(writer, model, codes, { metric: header.metric, ids });
  } else {
    throw new UnsupportedError(`faiss has no index for ${printSpec(model.spec)}`, {
      hint: "it has pq, rq, sq, and vq+pq or vq+sq, with transforms before them",
    });
  }
}

/** Whether a model becomes inverted lists, which have the ids in them. */
function keepsIds(model: Model): boolean {
  return isIvf(model) && !isResidual(model);
}

/** The transforms of a model from the first to the last, and the quantizer behind them. */
function unwrapped(model: Model): { chain: TransformModel[]; quantizer: Model } {
  const chain: TransformModel[] = [];
  let quantizer = model;
  while (quantizer instanceof TransformedModel) {
    chain.push(quantizer.transform);
    quantizer = quantizer.quantizer;
  }
  return { chain, quantizer };
}

function checkMetric(metric: string): void {
  if (metric !== "l2" && metric !== "ip") {
    throw new ArgumentError(`metric is "${metric}"; it must be l2 or ip`);
  }
}

function checkIds(ids: BigInt64Array | undefined, rows: number): void {
  if (ids !== undefined && ids.length !== rows) {
    throw new ShapeError(`there are ${ids.length} ids for ${rows} rows`);
  }
}
