import { Codes, FormatError, type Model } from "@tessera/core";
import { RotationTransform, TransformedModel, type TransformModel } from "@tessera/transforms";
import { fromFile, UnsupportedError } from "../errors.js";
import { packedBytes } from "./codebook.js";
import { readFlatRows } from "./flat.js";
import { type Header, readHeader } from "./header.js";
import type { FaissImport } from "./import.js";
import { readIvfFlat, readIvfPq, readIvfScalar } from "./ivf.js";
import { readIndexPq } from "./pq.js";
import { checkLength, FaissReader } from "./reader.js";
import { readIndexResidual } from "./residual.js";
import { readIndexScalar } from "./scalar.js";
import { readTransform } from "./transforms.js";

/** Deeper than any real index; stops a hostile file from exhausting the stack. */
const MOST_DEPTH = 8;
const MOST_TRANSFORMS = 16;

/**
 * Reads a faiss index file, as `faiss.write_index` or `faiss.serialize_index` of faiss 1.15 make it: `IndexFlat`, `IndexPQ`,
 * `IndexResidualQuantizer`, `IndexScalarQuantizer`, `IndexIVFFlat`, `IndexIVFPQ`, `IndexIVFScalarQuantizer`,
 * and `IndexPreTransform`, `IndexIDMap`, `IndexIDMap2` and `IndexRefineFlat` around them.
 *
 * The bytes are not trusted: lengths are checked before anything is allocated.
 *
 * @throws {FormatError} if the bytes are not a faiss index, or a damaged one
 * @throws {UnsupportedError} if they are one that Tessera has no model for
 */
export function readFaiss(bytes: Uint8Array): FaissImport {
  return fromFile("faiss index", () => {
    const reader = new FaissReader(bytes);
    const found = readIndex(reader, 0);
    reader.end();
    return found;
  });
}

function readIndex(reader: FaissReader, depth: number): FaissImport {
  if (depth > MOST_DEPTH) throw new FormatError("faiss index: it is nested too deeply");
  const kind = reader.fourcc("the class of the index");
  const known = Object.hasOwn(CLASSES, kind) ? CLASSES[kind] : undefined;
  if (known === undefined) throw unknownClass(kind);
  const header = readHeader(reader);
  const found = known.read(reader, header, depth);
  return { ...header, description: known.name, ...found };
}

type Found = Omit<FaissImport, keyof Header | "description"> & { readonly description?: string };

interface IndexClass {
  readonly name: string;
  readonly read: (reader: FaissReader, header: Header, depth: number) => Found;
}

const CLASSES: Readonly<Record<string, IndexClass>> = {
  IxF2: { name: "IndexFlatL2", read: (reader, header) => ({ rows: readFlatRows(reader, header) }) },
  IxFI: { name: "IndexFlatIP", read: (reader, header) => ({ rows: readFlatRows(reader, header) }) },
  IxPq: { name: "IndexPQ", read: coded(readIndexPq) },
  IxRq: { name: "IndexResidualQuantizer", read: coded(readIndexResidual) },
  IxSQ: { name: "IndexScalarQuantizer", read: coded(readIndexScalar) },
  IwPQ: { name: "IndexIVFPQ", read: readIvfPq },
  IwSq: { name: "IndexIVFScalarQuantizer", read: readIvfScalar },
  IwFl: { name: "IndexIVFFlat", read: readIvfFlat },
  IxPT: { name: "IndexPreTransform", read: readPreTransform },
  IxMp: { name: "IndexIDMap", read: readIdMap("IndexIDMap") },
  IxM2: { name: "IndexIDMap2", read: readIdMap("IndexIDMap2") },
  IxRF: { name: "IndexRefineFlat", read: readRefine },
};

/** An index that is a quantizer and the codes of its rows, one after another. */
function coded(
  read: (
    reader: FaissReader,
    header: Header,
  ) => { readonly model: Model; readonly packed: Uint8Array; readonly codeBytes: number },
): IndexClass["read"] {
  return (reader, header) => {
    const { model, packed, codeBytes } = read(reader, header);
    checkLength(packed.length, header.count * codeBytes, "the codes");
    return { model, codes: unpackRows(packed, codeBytes, model.cardinalities) };
  };
}

/** Rows may hold more after their codes, such as a norm. */
function unpackRows(packed: Uint8Array, rowBytes: number, cardinalities: readonly number[]): Codes {
  const width = packedBytes(cardinalities);
  if (width === rowBytes) return Codes.unpack(packed, cardinalities);
  const rows = packed.length / rowBytes;
  const cut = new Uint8Array(rows * width);
  for (let i = 0; i < rows; i++) {
    const start = i * rowBytes;
    cut.set(packed.subarray(start, start + width), i * width);
  }
  return Codes.unpack(cut, cardinalities);
}

function readPreTransform(reader: FaissReader, header: Header, depth: number): Found {
  const count = reader.int32("the number of transforms");
  if (count < 0 || count > MOST_TRANSFORMS) {
    throw new FormatError(`faiss index: ${count} transforms`);
  }
  const chain = Array.from({ length: count }, () => readTransform(reader));
  const { description, dimension, count: rows, metric: _, ...inner } = readIndex(reader, depth + 1);
  const name = `IndexPreTransform(${[...chain.map((link) => link.name), description].join(" > ")})`;
  if (inner.model === undefined) {
    throw new UnsupportedError(`${name} quantizes nothing, and its rows are transformed ones`, {
      hint: "import the index of the rows as they were",
    });
  }
  checkLength(rows, header.count, "the index behind the transforms");
  const { model, rows: _transformed, ...rest } = inner;
  const ends = chain.map(({ transform }) => transform.outputDimension);
  const starts = [...chain.map(({ transform }) => transform.inputDimension), dimension];
  if (starts[0] !== header.dimension || ends.some((end, i) => end !== starts[i + 1])) {
    throw new FormatError(`faiss index: the dimensions of ${name} do not fit together`);
  }
  const whole = chain.reduceRight<Model>(
    (quantizer, { transform }) => new TransformedModel(namedFor(transform, quantizer), quantizer),
    model,
  );
  return { description: name, model: whole, ...rest };
}

/** A rotation was learned for the product quantizer after it, or is just one. */
function namedFor(transform: TransformModel, { spec }: Model): TransformModel {
  if (!(transform instanceof RotationTransform) || transform.spec.kind !== "opq") return transform;
  const isProduct =
    spec.kind === "split" || (spec.kind === "residual" && spec.levels[1]?.kind === "split");
  return isProduct ? transform : new RotationTransform({ kind: "rotation" }, transform.rotation);
}

function readIdMap(name: string): IndexClass["read"] {
  return (reader, header, depth) => {
    const { description, dimension, count, metric: _, ...inner } = readIndex(reader, depth + 1);
    const map = reader.int64Vector("the ids");
    checkLength(map.length, header.count, "the ids");
    checkLength(count, header.count, "the index with ids");
    checkLength(dimension, header.dimension, "a row of the index with ids");
    const isPlain = map.every((id, i) => id === BigInt(i));
    // An index with ids of its own numbers the entries of the map.
    const ids = inner.ids ? inner.ids.map((at) => idAt(map, at)) : map;
    const { ids: _ids, ...rest } = inner;
    return {
      description: `${name}(${description})`,
      ...rest,
      ...(isPlain && !inner.ids ? {} : { ids }),
    };
  };
}

function idAt(map: BigInt64Array, at: bigint): bigint {
  const id = at >= 0n && at < BigInt(map.length) ? map[Number(at)] : undefined;
  if (id === undefined) throw new FormatError(`faiss index: entry ${at} of ${map.length} ids`);
  return id;
}

function readRefine(reader: FaissReader, header: Header, depth: number): Found {
  const { description, dimension, count, metric: _, ...base } = readIndex(reader, depth + 1);
  const fine = readIndex(reader, depth + 1);
  reader.float32("k_factor");
  const name = `IndexRefine(${description}, ${fine.description})`;
  if (base.model === undefined || fine.rows === undefined || fine.model !== undefined) {
    throw new UnsupportedError(`the faiss index is ${name}; Tessera reads codes refined by rows`);
  }
  if (base.ids) {
    throw new UnsupportedError(`${name} has ids of its own, which do not tell its rows`, {
      hint: "make the IndexIDMap the outermost",
    });
  }
  for (const index of [{ dimension, count }, fine]) {
    checkLength(index.dimension, header.dimension, "a row of the refined index");
    checkLength(index.count, header.count, "the refined index");
  }
  return { ...base, description: name, rows: fine.rows };
}

function unknownClass(kind: string): FormatError | UnsupportedError {
  const hint = `Tessera reads ${Object.values(CLASSES)
    .map(({ name }) => name)
    .join(", ")}`;
  // Every class of faiss has a name of four letters and digits.
  return /^\w{4}$/.test(kind)
    ? new UnsupportedError(`the faiss index is of class "${kind}", which is not known`, { hint })
    : new FormatError("this is not a faiss index", { hint: "write it with faiss.write_index" });
}
