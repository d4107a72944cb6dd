import { FormatError } from "@tessera/core";
import { Damage } from "../columnar/damage.js";
import type { Codec } from "../columnar/compression.js";
import { readExactly, type ByteSource } from "../source.js";
import { readLeaves, type Leaf } from "./schema.js";
import { readThrift, type ThriftStruct } from "./thrift.js";

/** The part of a column that lies in one row group. */
export interface Chunk {
  /** Bytes of its pages. */
  readonly start: number;
  readonly end: number;
  /** Entries of all its pages together, missing values and empty lists counted. */
  readonly entries: number;
  /** `undefined` if it is not compressed. */
  readonly codec: Codec | undefined;
}

export interface ParquetFooter {
  readonly rows: number;
  readonly leaves: readonly Leaf[];
  /** `[row groups][leaves]`: read when it is needed, so that a column that cannot be read harms no other. */
  readonly groups: readonly ((leaf: number) => Chunk)[];
}

const MAGIC = "PAR1";
/** In place of the magic text where the footer is encrypted. */
const ENCRYPTED = "PARE";

const CODECS: readonly (Codec | "LZO" | undefined)[] = [
  undefined,
  "SNAPPY",
  "GZIP",
  "LZO",
  "BROTLI",
  "LZ4",
  "ZSTD",
  "LZ4_RAW",
];

/**
 * Reads the metadata at the end of a Parquet file (https://parquet.apache.org/docs/file-format/).
 *
 * @throws {Damage} if they cannot be true of a file of this size
 * @throws {FormatError} if they are encrypted
 */
export async function readFooter(source: ByteSource): Promise<ParquetFooter> {
  const { name, size } = source;
  if (size < 12) throw new Damage(`its ${size} bytes are too few for a Parquet file`);
  const tail = await readExactly(source, size - 8, size);
  const magic = String.fromCharCode(...tail.subarray(4));
  if (magic === ENCRYPTED) {
    throw new FormatError(`${name} is encrypted`, { hint: "write it without encryption" });
  }
  if (magic !== MAGIC) throw new Damage("it does not end as a Parquet file does");
  const length = new DataView(tail.buffer, tail.byteOffset, 4).getUint32(0, true);
  if (length > size - 12) throw new Damage(`it claims metadata of ${length} bytes`);
  const end = size - 8;
  const { struct } = readThrift(await readExactly(source, end - length, end));
  if (struct.struct(8) !== undefined) {
    throw new FormatError(`${name} is encrypted`, { hint: "write it without encryption" });
  }
  const leaves = readLeaves(struct.structs(2));
  const groups = struct.structs(4);
  const rows = struct.count(3, "the number of rows");
  const counted = groups.reduce((sum, group) => sum + group.count(3, "rows of a row group"), 0);
  if (counted !== rows) {
    throw new Damage(`it claims ${rows} rows, and its row groups have ${counted}`);
  }
  return {
    rows,
    leaves,
    groups: groups
      .filter((group) => group.number(3) !== 0)
      .map((group) => {
        const chunks = group.structs(1);
        if (chunks.length !== leaves.length) {
          throw new Damage(`a row group has ${chunks.length} columns, not ${leaves.length}`);
        }
        return (leaf) => readChunk(chunks[leaf]!, end - length);
      }),
  };
}

function readChunk(chunk: ThriftStruct, dataEnd: number): Chunk {
  const meta = chunk.struct(3);
  if (chunk.text(1) !== undefined || meta === undefined) {
    throw new Damage(
      "the data of a column are in another file or encrypted",
      "write it as one file",
    );
  }
  const data = meta.count(9, "the place of a column");
  const dictionary = meta.number(11);
  // Some writers say 0 where there is no dictionary.
  const start = dictionary !== undefined && dictionary > 0 && dictionary < data ? dictionary : data;
  const end = start + meta.count(7, "the size of a column");
  if (start < 4 || end > dataEnd) {
    throw new Damage(`a column claims the bytes ${start} to ${end} of ${dataEnd}`);
  }
  const codec = meta.count(4, "a compression");
  const known = CODECS[codec];
  if (codec >= CODECS.length || known === "LZO") {
    throw new Damage(
      `it is compressed by ${known ?? `the unknown codec ${codec}`}`,
      "write it with snappy, zstd, gzip, brotli or lz4, or without compression",
    );
  }
  return { start, end, entries: meta.count(5, "the number of values"), codec: known };
}
