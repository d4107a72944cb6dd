import { bitsFor, FormatError, type Matrix, type Model, printSpec } from "@tessera/core";
import { PqModel } from "@tessera/pq";
import { VqModel } from "@tessera/vq";
import { UnsupportedError } from "../errors.js";
import { concatenated, packedBytes, paddedCodebook } from "./codebook.js";
import type { Header } from "./header.js";
import { checkLength, type FaissReader } from "./reader.js";
import type { FaissWriter } from "./writer.js";

/** faiss itself allows no more. */
const MOST_BITS = 24;

/** `ProductQuantizer`: a `PqModel`, or of one group a `VqModel`. */
export function readProductQuantizer(reader: FaissReader, dimension: number): PqModel | VqModel {
  const d = reader.size("the dimension of the product quantizer");
  const groups = reader.size("the number of groups");
  const bits = reader.size("the bits of a group");
  if (d !== dimension || groups < 1 || d % groups !== 0 || bits < 1 || bits > MOST_BITS) {
    throw new FormatError(
      `faiss index: a product quantizer of ${groups} groups of ${bits} bits for ${d} of ${dimension} dimensions`,
    );
  }
  const codebookSize = 2 ** bits;
  const values = reader.floatVector("the codebooks");
  checkLength(values.length, codebookSize * d, "the codebooks");
  const cols = d / groups;
  const codebooks = Array.from({ length: groups }, (_, m): Matrix => {
    const start = m * codebookSize * cols;
    return { data: values.slice(start, start + codebookSize * cols), rows: codebookSize, cols };
  });
  return groups === 1
    ? new VqModel({ kind: "vq", codebookSize }, codebooks[0]!)
    : new PqModel(codebooks);
}

/** Whether faiss' `ProductQuantizer` can hold a model. */
export function isProduct(model: Model): model is PqModel | VqModel {
  return model instanceof PqModel || (model instanceof VqModel && model.spec.metric === undefined);
}

/** @throws {UnsupportedError} for codebooks that are too large */
export function writeProductQuantizer(writer: FaissWriter, model: PqModel | VqModel): void {
  const codebooks = model instanceof PqModel ? model.codebooks : [model.codebook];
  const bits = bitsFor(codebooks[0]!.rows);
  if (bits > MOST_BITS) {
    throw new UnsupportedError(`faiss has no ${printSpec(model.spec)}: its codes have 24 bits`);
  }
  writer.size(model.dimension);
  writer.size(codebooks.length);
  writer.size(bits);
  writer.vector(concatenated(codebooks.map(paddedCodebook)));
}

/** The rest of an `IndexPQ` after its header. */
export function readIndexPq(reader: FaissReader, { dimension }: Header) {
  const model = readProductQuantizer(reader, dimension);
  const packed = reader.byteVector("the codes");
  // How faiss searches; encode_signs and the rest belong to its polysemous codes, which code alike.
  reader.bytes(9, "the search parameters");
  return { model, packed, codeBytes: packedBytes(model.cardinalities) };
}

export function writeIndexPq(
  writer: FaissWriter,
  model: PqModel | VqModel,
  packed: Uint8Array,
): void {
  writeProductQuantizer(writer, model);
  writer.vector(packed);
  // Search by look-up tables: ST_PQ, no signs, and a Hamming threshold that lets all codes pass.
  writer.int32(0);
  writer.flag(false);
  writer.int32(model.cardinalities.reduce((sum, k) => sum + bitsFor(k), 1));
}
