import { FormatError, type Matrix, type Model, printSpec, type SqSpec } from "@tessera/core";
import { HalfCodec, ScalarModel, UniformCodec } from "@tessera/scalar";
import { UnsupportedError } from "../errors.js";
import { packedBytes } from "./codebook.js";
import type { Header } from "./header.js";
import { checkLength, type FaissReader } from "./reader.js";
import type { FaissWriter } from "./writer.js";

/** A `QuantizerType` of faiss that Tessera has, too. */
interface ScalarType {
  readonly name: string;
  readonly bits: number;
  /** `each` dimension has a range of its own, `shared` is one of all; of a `direct` type, codes are the values. */
  readonly range: "each" | "shared" | "direct" | "fp16" | "bf16";
  /** What a direct type's code 0 stands for. */
  readonly lowest?: number;
}

const TYPES: Readonly<Record<number, ScalarType>> = {
  0: { name: "QT_8bit", bits: 8, range: "each" },
  1: { name: "QT_4bit", bits: 4, range: "each" },
  2: { name: "QT_8bit_uniform", bits: 8, range: "shared" },
  3: { name: "QT_4bit_uniform", bits: 4, range: "shared" },
  4: { name: "QT_fp16", bits: 16, range: "fp16" },
  5: { name: "QT_8bit_direct", bits: 8, range: "direct", lowest: 0 },
  6: { name: "QT_6bit", bits: 6, range: "each" },
  7: { name: "QT_bf16", bits: 16, range: "bf16" },
  8: { name: "QT_8bit_direct_signed", bits: 8, range: "direct", lowest: -128 },
};

/** `ScalarQuantizer`. */
export function readScalarQuantizer(
  reader: FaissReader,
  dimension: number,
): { model: ScalarModel; codeBytes: number } {
  const qtype = reader.int32("the type of the scalar quantizer");
  // How the range was found, which the trained values make known.
  reader.bytes(8, "the range statistic");
  const d = reader.size("the dimension of the scalar quantizer");
  const codeBytes = reader.size("the bytes of a code");
  const trained = reader.floatVector("the trained values");
  const type = TYPES[qtype];
  if (type === undefined) {
    const names = Object.values(TYPES).map(({ name }) => name);
    throw new UnsupportedError(
      `the faiss index has scalar quantizer type ${qtype}; Tessera has ${names.join(", ")}`,
    );
  }
  if (d !== dimension || codeBytes !== Math.ceil((type.bits * d) / 8)) {
    throw new FormatError(
      `faiss index: a scalar quantizer of ${d} of ${dimension} dimensions in ${codeBytes} bytes`,
    );
  }
  const stored = { each: 2 * d, shared: 2, direct: 0, fp16: 0, bf16: 0 }[type.range];
  checkLength(trained.length, stored, "the trained values");
  return { model: scalarModel(type, d, trained), codeBytes };
}

function scalarModel(
  { bits, range, lowest }: ScalarType,
  d: number,
  trained: Float32Array,
): ScalarModel {
  if (range === "fp16" || range === "bf16") {
    return new ScalarModel({ kind: "sq", bits, levels: range }, new HalfCodec(range, d));
  }
  const shared = range !== "each";
  const spec: SqSpec = { kind: "sq", bits, ...(shared && { shared }) };
  if (lowest !== undefined) {
    return new ScalarModel(
      spec,
      new UniformCodec(
        2 ** bits,
        rowOf(d, () => lowest),
        rowOf(d, () => 1),
      ),
    );
  }
  // faiss cuts [vmin, vmin + vdiff] into 2^bits − 1 cells and decodes to their middles: the first level is half a step in.
  const cells = 2 ** bits - 1;
  const step = rowOf(d, (j) => trained[shared ? 1 : d + j]! / cells);
  const lower = rowOf(
    d,
    (j) => trained[shared ? 0 : j]! + trained[shared ? 1 : d + j]! / cells / 2,
  );
  return new ScalarModel(spec, new UniformCodec(2 ** bits, lower, step));
}

/** The rest of an `IndexScalarQuantizer` after its header. */
export function readIndexScalar(reader: FaissReader, { dimension }: Header) {
  const { model, codeBytes } = readScalarQuantizer(reader, dimension);
  return { model, packed: reader.byteVector("the codes"), codeBytes };
}

/** @throws {UnsupportedError} for levels that faiss does not have */
export function writeScalarQuantizer(writer: FaissWriter, model: ScalarModel): void {
  const { qtype, trained } = trainedValues(model);
  writer.int32(qtype);
  // RS_minmax, without an argument.
  writer.int32(0);
  writer.float32(0);
  writer.size(model.dimension);
  writer.size(packedBytes(model.cardinalities));
  writer.vector(trained);
}

export function writeIndexScalar(writer: FaissWriter, model: ScalarModel, packed: Uint8Array) {
  writeScalarQuantizer(writer, model);
  writer.vector(packed);
}

export function isScalar(model: Model): model is ScalarModel {
  return model instanceof ScalarModel;
}

function trainedValues({ spec, codec }: ScalarModel): { qtype: number; trained: Float32Array } {
  if (codec instanceof HalfCodec) {
    return { qtype: codec.format === "fp16" ? 4 : 7, trained: new Float32Array(0) };
  }
  const types = Object.entries(TYPES).filter(([, { bits }]) => bits === spec.bits);
  if (!(codec instanceof UniformCodec) || types.length === 0) {
    throw new UnsupportedError(`faiss has no scalar quantizer that does as ${printSpec(spec)}`, {
      hint: "it has sq8, sq6 and sq4 with uniform levels, fp16 and bf16",
    });
  }
  const { lower, step, dimension: d, levels } = codec;
  const vdiff = Float64Array.from(step.data, (value) => value * (levels - 1));
  const vmin = Float64Array.from(lower.data, (value, j) => value - step.data[j]! / 2);
  const isOne = [vmin, vdiff].every((values) => values.every((value) => value === values[0]));
  const shared = isOne ? types.find(([, { range }]) => range === "shared") : undefined;
  const [qtype] = shared ?? types.find(([, { range }]) => range === "each")!;
  const width = shared ? 1 : d;
  return {
    qtype: Number(qtype),
    trained: Float32Array.from([...vmin.subarray(0, width), ...vdiff.subarray(0, width)]),
  };
}

function rowOf(cols: number, value: (j: number) => number): Matrix {
  return { data: Float32Array.from({ length: cols }, (_, j) => value(j)), rows: 1, cols };
}
