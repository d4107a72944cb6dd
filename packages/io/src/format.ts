import { FormatError } from "@tessera/core";
import { NPY_MAGIC } from "./npy.js";
import { readExactly, type ByteSource } from "./source.js";

/** The formats that vectors can be read from. */
export type VectorFormat =
  | "npy"
  | "fvecs"
  | "ivecs"
  | "bvecs"
  | "safetensors"
  | "jsonl"
  | "csv"
  | "tsv"
  | "parquet"
  | "arrow";

const EXTENSIONS: Readonly<Record<string, VectorFormat>> = {
  npy: "npy",
  fvecs: "fvecs",
  ivecs: "ivecs",
  bvecs: "bvecs",
  safetensors: "safetensors",
  jsonl: "jsonl",
  ndjson: "jsonl",
  csv: "csv",
  tsv: "tsv",
  parquet: "parquet",
  arrow: "arrow",
  arrows: "arrow",
  feather: "arrow",
  ipc: "arrow",
};

export function isVectorFormat(text: string): text is VectorFormat {
  return Object.values(EXTENSIONS).includes(text as VectorFormat);
}

/** A name that promises one of these is believed, and its reader says what is wrong. */
const BINARY: ReadonlySet<VectorFormat> = new Set(["npy", "safetensors", "parquet", "arrow"]);

/** First bytes that nothing else starts with. */
const MAGIC: readonly (readonly [format: VectorFormat, magic: readonly number[]])[] = [
  ["npy", NPY_MAGIC],
  ["parquet", [0x50, 0x41, 0x52, 0x31]],
  // Encrypted, which its reader says.
  ["parquet", [0x50, 0x41, 0x52, 0x45]],
  ["arrow", [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31]],
];

/** What messages of an Arrow stream start with. */
const ARROW_MESSAGE = [0xff, 0xff, 0xff, 0xff];

/** Formats that are often met, told apart so that the error can say how to convert them. */
const FOREIGN: readonly { readonly what: string; readonly magic: readonly number[] }[] = [
  { what: "a Feather file of version 1", magic: [0x46, 0x45, 0x41, 0x31] },
  { what: "an HDF5 file", magic: [0x89, 0x48, 0x44, 0x46] },
  { what: "a zip archive (npz, PyTorch or similar)", magic: [0x50, 0x4b, 0x03, 0x04] },
  { what: "a gzip archive", magic: [0x1f, 0x8b] },
  { what: "a zstd archive", magic: [0x28, 0xb5, 0x2f, 0xfd] },
  { what: "text in UTF-16", magic: [0xff, 0xfe] },
];

/**
 * The format of a file: what its first bytes say, where they are unmistakable, and else what its extension says.
 *
 * @throws {FormatError} if the file is empty, of a format that cannot be read, or of none that is known
 */
export async function detectFormat(source: ByteSource): Promise<VectorFormat> {
  const { name, size } = source;
  if (size === 0) throw new FormatError(`${name} is empty`);
  const head = await readExactly(source, 0, Math.min(size, 64));
  const startsWith = (magic: readonly number[]): boolean => magic.every((b, i) => head[i] === b);
  const known = MAGIC.find(([, magic]) => startsWith(magic));
  if (known !== undefined) return known[0];

  const extension = /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
  const named = Object.hasOwn(EXTENSIONS, extension) ? EXTENSIONS[extension] : undefined;
  // These open with a number, which may look like anything.
  if (named !== undefined && named.endsWith("vecs")) return named;
  if (startsWith(ARROW_MESSAGE)) return "arrow";
  const foreign = FOREIGN.find(({ magic }) => startsWith(magic));
  if (foreign !== undefined) {
    throw new FormatError(`${name} is ${foreign.what}, which Tessera cannot read`, {
      hint: "convert it to npy, safetensors, parquet, jsonl or csv",
    });
  }
  if (looksLikeSafetensors(head, size)) return "safetensors";
  if (named !== undefined && BINARY.has(named)) return named;
  const text = new TextDecoder().decode(head).trimStart();
  if (text.startsWith("{") || text.startsWith("[")) return "jsonl";
  if (named !== undefined) return named;
  throw new FormatError(`the format of ${name} is not known`, {
    hint: `use the extension ${Object.keys(EXTENSIONS).join(", ")}, or the option format`,
  });
}

/** A header length within the file, and a header that opens an object. */
function looksLikeSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const view = new DataView(head.buffer, head.byteOffset, 8);
  return view.getUint32(4, true) === 0 && view.getUint32(0, true) <= size - 8;
}
