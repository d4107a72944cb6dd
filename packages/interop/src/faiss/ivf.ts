import {
  codeColumns,
  Codes,
  FormatError,
  joinColumns,
  type Matrix,
  type Model,
  printSpec,
} from "@tessera/core";
import { ResidualModel } from "@tessera/rq";
import { VqModel } from "@tessera/vq";
import { UnsupportedError } from "../errors.js";
import { packedBytes } from "./codebook.js";
import { readFlatRows, writeFlatIndex } from "./flat.js";
import { type Header, readHeader } from "./header.js";
import type { FaissImport, FaissMetric } from "./import.js";
import { readLists, writeLists } from "./lists.js";
import { isProduct, readProductQuantizer, writeProductQuantizer } from "./pq.js";
import { floatsOf, type FaissReader } from "./reader.js";
import { isScalar, readScalarQuantizer, writeScalarQuantizer } from "./scalar.js";
import type { FaissWriter } from "./writer.js";

type IvfParts = Omit<FaissImport, keyof Header | "description">;

interface Coarse {
  readonly centroids: Matrix;
  /** By which a row's list is chosen. */
  readonly metric: FaissMetric;
}

/** The rest of an `IndexIVFPQ` after its header. */
export function readIvfPq(reader: FaissReader, header: Header): IvfParts {
  const coarse = readCoarse(reader, header);
  const byResidual = reader.flag("by_residual");
  reader.size("the bytes of a code");
  const fine = readProductQuantizer(reader, header.dimension);
  return readCoded(reader, header, coarse, fine, byResidual);
}

/** The rest of an `IndexIVFScalarQuantizer` after its header. */
export function readIvfScalar(reader: FaissReader, header: Header): IvfParts {
  const coarse = readCoarse(reader, header);
  const { model } = readScalarQuantizer(reader, header.dimension);
  reader.size("the bytes of a code");
  const byResidual = reader.flag("by_residual");
  return readCoded(reader, header, coarse, model, byResidual);
}

/** The rest of an `IndexIVFFlat` after its header. */
export function readIvfFlat(reader: FaissReader, header: Header): IvfParts {
  const { centroids } = readCoarse(reader, header);
  const { count, dimension: cols } = header;
  const expected = { lists: centroids.rows, codeBytes: 4 * cols, count };
  const { assignments, packed, ids } = readLists(reader, expected);
  const rows = { data: floatsOf(packed, "the rows"), rows: count, cols };
  return { rows, lists: { centroids, assignments }, ...(ids && { ids }) };
}

/** The number of lists, their centroids, and what faiss keeps to find a row by its id. */
function readCoarse(reader: FaissReader, { dimension }: Header): Coarse {
  const lists = reader.size("the number of lists");
  reader.size("nprobe");
  const kind = reader.fourcc("the class of the coarse quantizer");
  if (kind !== "IxF2" && kind !== "IxFI") {
    throw new UnsupportedError(
      `the coarse quantizer of the faiss index is of class "${kind}"; Tessera has IndexFlatL2 and IndexFlatIP`,
    );
  }
  const header = readHeader(reader);
  const centroids = readFlatRows(reader, header);
  if (centroids.rows !== lists || header.dimension !== dimension) {
    throw new FormatError(
      `faiss index: ${lists} lists of ${dimension} dimensions, but centroids [${centroids.rows}, ${header.dimension}]`,
    );
  }
  const map = reader.byte("the direct map's type");
  reader.bytes(8 * reader.size("the direct map"), "the direct map");
  if (map === 2) reader.bytes(16 * reader.size("the direct map"), "the direct map");
  return { centroids, metric: kind === "IxFI" ? "ip" : "l2" };
}

function readCoded(
  reader: FaissReader,
  { count }: Header,
  { centroids, metric }: Coarse,
  fine: Model,
  byResidual: boolean,
): IvfParts {
  const lists = centroids.rows;
  const codeBytes = packedBytes(fine.cardinalities);
  const { assignments, packed, ids } = readLists(reader, { lists, codeBytes, count });
  const codes = Codes.unpack(packed, fine.cardinalities);
  const found = { lists: { centroids, assignments }, ...(ids && { ids }) };
  if (!byResidual) return { model: fine, codes, ...found };
  const spec = { kind: "vq" as const, codebookSize: lists, ...(metric === "ip" && { metric }) };
  return {
    model: new ResidualModel([new VqModel(spec, centroids), fine]),
    codes: joinColumns([new Codes(assignments, [lists]), codes]),
    ...found,
  };
}

/** Whether a model is a codebook and then what faiss can keep in inverted lists. */
export function isIvf(model: Model): model is ResidualModel {
  if (!(model instanceof ResidualModel) || model.levels.length !== 2) return false;
  const [coarse, fine] = model.levels;
  return coarse instanceof VqModel && (isProduct(fine!) || isScalar(fine!));
}

/**
 * `IndexIVFPQ` or `IndexIVFScalarQuantizer`, by_residual, without its header.
 *
 * @throws {UnsupportedError} if faiss would search it wrongly
 */
export function writeIvf(
  writer: FaissWriter,
  model: ResidualModel,
  codes: Codes,
  { metric, ids }: { readonly metric: FaissMetric; readonly ids: BigInt64Array | undefined },
): void {
  const coarse = model.levels[0] as VqModel;
  const fine = model.levels[1]!;
  if (metric === "ip" && isScalar(fine) && coarse.spec.metric === undefined) {
    // It takes the coarse quantizer's distances for inner products.
    throw new UnsupportedError(
      `IndexIVFScalarQuantizer ranks ${printSpec(model.spec)} wrongly by inner product`,
      { hint: "fit the coarse codebook as vq…(metric=ip), or export for l2" },
    );
  }
  const lists = coarse.codebook.rows;
  const codeBytes = packedBytes(fine.cardinalities);
  writer.size(lists);
  // nprobe, which the user of the index sets.
  writer.size(1);
  writeFlatIndex(writer, coarse.codebook, coarse.spec.metric === undefined ? "l2" : "ip");
  // No direct map.
  writer.byte(0);
  writer.size(0);
  if (isScalar(fine)) {
    writeScalarQuantizer(writer, fine);
    writer.size(codeBytes);
    writer.flag(true);
  } else if (isProduct(fine)) {
    writer.flag(true);
    writer.size(codeBytes);
    writeProductQuantizer(writer, fine);
  }
  writeLists(writer, lists, codeBytes, {
    assignments: Uint32Array.from(codes.prefix(1).data),
    packed: codeColumns(codes, 1, fine.cardinalities).pack(),
    ...(ids && { ids }),
  });
}
