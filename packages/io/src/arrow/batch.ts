import { Damage } from "../columnar/damage.js";
import { checkExpansion, decompress, type Codec } from "../columnar/compression.js";
import { readExactly, type ByteSource } from "../source.js";
import type { FlatTable } from "./flatbuffer.js";
import { readLz4Frame } from "./lz4.js";
import type { Message } from "./messages.js";
import type { Field } from "./schema.js";

/** Bytes in the body of a batch, read where they are needed; as a whole if they are compressed. */
export class BatchBuffer {
  /** Zero where a buffer is left out, such as of nulls that there are none of. */
  readonly bytes: number;
  readonly #source: ByteSource;
  readonly #start: number;
  readonly #codec: Codec | undefined;
  #whole: Promise<Uint8Array> | undefined;

  constructor(source: ByteSource, start: number, bytes: number, codec: Codec | undefined) {
    this.#source = source;
    this.#start = start;
    this.bytes = bytes;
    this.#codec = codec;
  }

  /** @throws {Damage} if it does not reach so far */
  async read(from: number, to: number): Promise<Uint8Array> {
    if (this.#codec === undefined) {
      if (to > this.bytes) throw tooShort();
      return readExactly(this.#source, this.#start + from, this.#start + to);
    }
    const whole = await (this.#whole ??= this.#expand(this.#codec));
    if (to > whole.length) throw tooShort();
    return whole.subarray(from, to);
  }

  /** The length comes first; −1 says that the rest is as it is. */
  async #expand(codec: Codec): Promise<Uint8Array> {
    if (this.bytes === 0) return new Uint8Array(0);
    if (this.bytes < 8) throw tooShort();
    const bytes = await readExactly(this.#source, this.#start, this.#start + this.bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const length = Number(view.getBigInt64(0, true));
    const rest = bytes.subarray(8);
    if (length === -1) return rest;
    if (codec !== "LZ4") return decompress(codec, rest, length);
    checkExpansion(codec, rest.length, length);
    return readLz4Frame(rest, length);
  }
}

/** A field of a batch: its own buffers, and the fields in it. */
export interface FieldPart {
  readonly field: Field;
  /** Rows, or values of a list's. */
  readonly length: number;
  /** Which rows are there, as bits; `undefined` if all are. */
  readonly validity: BatchBuffer | undefined;
  /** Those after the validity. */
  readonly buffers: readonly BatchBuffer[];
  readonly children: readonly FieldPart[];
}

/**
 * Finds the buffers of a field in a batch: nodes and buffers of all fields lie one after another, depth first.
 *
 * @param content the table of a record batch
 * @param place of the field among `fields`
 * @throws {Damage} if there are fewer than the schema needs
 */
export function findPart(
  source: ByteSource,
  message: Message,
  content: FlatTable,
  fields: readonly Field[],
  place: number,
): FieldPart {
  const nodes = content.counts(1, 2);
  const regions = content.counts(2, 2);
  const views = content.counts(4, 1);
  const codec = codecOf(content.table(3));
  let node = 0;
  let region = 0;
  let view = 0;

  function take(field: Field): FieldPart {
    const [length, nulls] = nodes[node++] ?? [];
    if (length === undefined || length < 0) throw tooShort();
    const count = field.buffers + (field.views ? (views[view++]?.[0] ?? 0) : 0);
    const first = region;
    region += count;
    if (count < 0 || region > regions.length) throw tooShort();
    const own = regions.slice(first, region).map(([start, bytes]) => {
      if (start! < 0 || bytes! < 0 || start! + bytes! > message.bodyBytes) throw tooShort();
      return new BatchBuffer(source, message.bodyStart + start!, bytes!, codec);
    });
    const [validity, ...buffers] = own;
    return {
      field,
      length,
      validity: nulls === 0 || validity?.bytes === 0 ? undefined : validity,
      buffers,
      children: field.children.map(take),
    };
  }

  for (const field of fields.slice(0, place)) take(field);
  return take(fields[place]!);
}

function codecOf(compression: FlatTable | undefined): Codec | undefined {
  if (compression === undefined) return undefined;
  const codec = compression.integer(0, 8);
  if (codec === 0) return "LZ4";
  if (codec === 1) return "ZSTD";
  throw new Damage(`it is compressed by the unknown codec ${codec}`, "write it with lz4 or zstd");
}

/**
 * The first of `count` rows that is missing.
 *
 * @param first row of the part
 */
export async function firstNull(
  { validity }: FieldPart,
  first: number,
  count: number,
): Promise<number | undefined> {
  if (validity === undefined || count === 0) return undefined;
  const start = Math.floor(first / 8);
  const bits = await validity.read(start, Math.ceil((first + count) / 8));
  for (let row = first; row < first + count; row++) {
    if (!((bits[(row >> 3) - start]! >> (row & 7)) & 1)) return row;
  }
  return undefined;
}

export function tooShort(): Damage {
  return new Damage("a batch has fewer data than its rows need");
}
