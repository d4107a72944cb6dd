import { bitsFor, FormatError, type Matrix, type Model } from "@tessera/core";
import { ResidualModel } from "@tessera/rq";
import { VqModel } from "@tessera/vq";
import { UnsupportedError } from "../errors.js";
import { concatenated, packedBytes, paddedCodebook } from "./codebook.js";
import type { Header } from "./header.js";
import { checkLength, type FaissReader } from "./reader.js";
import type { FaissWriter } from "./writer.js";

/**
 * Bits after a row's codes that hold its norm, by `search_type`: none for ST_decompress, ST_LUT_nonorm and
 * ST_norm_from_LUT; then ST_norm_float, _qint8, _qint4, _cqint8, _cqint4, _lsq2x4 and _rq2x4.
 */
const NORM_BITS = [0, 0, 0, 32, 8, 4, 8, 4, 8, 8] as const;
/** The search types that keep a table of norms: cqint8, cqint4, lsq2x4 and rq2x4. */
const FIRST_WITH_TABLE = 6;
/** And those that keep two small ones. */
const FIRST_WITH_TWO = 8;
/** As many levels as a spec has. */
const MOST_LEVELS = 64;
/** The widest beam of Tessera. */
const MOST_BEAM = 256;
const TRAIN_DEFAULT = 0;
/** Encoding without tables of the products between codebooks, which faiss would make when it loads the file. */
const SKIP_CODEBOOK_TABLES = 2048;
/** Codewords of all levels together for which those tables are worth their memory: 1 GiB. */
const TABLE_CODEWORDS = 2 ** 14;

/** `ResidualQuantizer`: a `ResidualModel` with its beam, or of one level a `VqModel`. */
function readResidualQuantizer(
  reader: FaissReader,
  dimension: number,
): { model: ResidualModel | VqModel; normBits: number } {
  const d = reader.size("the dimension of the residual quantizer");
  const count = reader.size("the number of levels");
  const bits = reader.sizeVector("the bits of the levels");
  reader.flag("is_trained");
  const values = reader.floatVector("the codebooks");
  const searchType = reader.int32("search_type");
  reader.bytes(8, "the range of the norms");
  const normBits = NORM_BITS[searchType];
  if (d !== dimension || count < 1 || count !== bits.length || normBits === undefined) {
    throw new FormatError(
      `faiss index: a residual quantizer of ${count} levels, ${d} of ${dimension} dimensions, search_type ${searchType}`,
    );
  }
  if (count > MOST_LEVELS) {
    throw new UnsupportedError(
      `the faiss index has ${count} levels; Tessera has up to ${MOST_LEVELS}`,
    );
  }
  if (searchType >= FIRST_WITH_TABLE) reader.bytes(4 * reader.size("norms"), "the norms");
  if (searchType >= FIRST_WITH_TWO) reader.floatVector("the tables of norms");
  reader.int32("train_type");
  const beam = reader.int32("max_beam_size");
  if (beam < 1) throw new FormatError(`faiss index: max_beam_size is ${beam}`);
  const levels = cutLevels(values, bits, d);
  if (levels.length === 1) return { model: levels[0]!, normBits };
  const facts = beam === 1 ? {} : { beam: Math.min(beam, MOST_BEAM) };
  return { model: new ResidualModel(levels, facts), normBits };
}

function cutLevels(values: Float32Array, bits: readonly number[], d: number): VqModel[] {
  const wrong = bits.find((width) => width < 1 || width > 24);
  if (wrong !== undefined) throw new FormatError(`faiss index: a level has ${wrong} bits`);
  const all = bits.reduce((sum, width) => sum + 2 ** width, 0);
  checkLength(values.length, all * d, "the codebooks");
  let at = 0;
  return bits.map((width) => {
    const codebookSize = 2 ** width;
    const data = values.slice(at, (at += codebookSize * d));
    return new VqModel({ kind: "vq", codebookSize }, { data, rows: codebookSize, cols: d });
  });
}

/** The rest of an `IndexResidualQuantizer` after its header. */
export function readIndexResidual(reader: FaissReader, { dimension }: Header) {
  const { model, normBits } = readResidualQuantizer(reader, dimension);
  const codeBytes = reader.size("the bytes of a code");
  const expected = packedBytes(model.cardinalities, normBits);
  if (codeBytes !== expected) {
    throw new FormatError(`faiss index: a code takes ${codeBytes} bytes; it must take ${expected}`);
  }
  return { model, packed: reader.byteVector("the codes"), codeBytes };
}

/** Whether all levels are codebooks under L2. */
export function isResidual(model: Model): model is ResidualModel {
  return model instanceof ResidualModel && codebooksOf(model).length === model.levels.length;
}

function codebooksOf({ levels }: ResidualModel): readonly Matrix[] {
  const isPlain = (level: Model): level is VqModel =>
    level instanceof VqModel && level.spec.metric === undefined;
  return levels.filter(isPlain).map(({ codebook }) => codebook);
}

export function writeIndexResidual(
  writer: FaissWriter,
  model: ResidualModel,
  packed: Uint8Array,
): void {
  const { cardinalities } = model;
  const bits = cardinalities.map(bitsFor);
  const codewords = bits.reduce((sum, width) => sum + 2 ** width, 0);
  writer.size(model.dimension);
  writer.size(bits.length);
  writer.sizeVector(bits);
  writer.flag(true);
  writer.vector(concatenated(codebooksOf(model).map(paddedCodebook)));
  // ST_decompress, which needs no norms.
  writer.int32(0);
  writer.float32(0);
  writer.float32(0);
  writer.int32(codewords > TABLE_CODEWORDS ? SKIP_CODEBOOK_TABLES : TRAIN_DEFAULT);
  writer.int32(model.beam);
  writer.size(packedBytes(cardinalities));
  writer.vector(packed);
}
