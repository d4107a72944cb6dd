import { Damage } from "../columnar/damage.js";
import { decompress } from "../columnar/compression.js";
import { readExactly, type ByteSource } from "../source.js";
import type { Chunk } from "./footer.js";
import { readHybrid } from "./hybrid.js";
import type { Leaf } from "./schema.js";
import { OutOfBytes, readThrift, type ThriftStruct } from "./thrift.js";

/** Values as they are written, and which encoding that is. */
export interface Encoded {
  readonly bytes: Uint8Array;
  /** Parquet's number of it. */
  readonly encoding: number;
  readonly count: number;
}

/** A page of data, decompressed. */
export interface Page {
  /** Values, and places where there is none. */
  readonly entries: number;
  /** `[entries]`: 0 where a row begins; `undefined` where each entry is a row. */
  readonly repetition: Uint8Array | undefined;
  /** `[entries]`: how much of what may be missing is there; `undefined` where nothing may be missing. */
  readonly definition: Uint8Array | undefined;
  /** The values that are there. */
  readonly values: Encoded;
}

/** More than a page of any writer has: what claims more is refused before anything is allocated. */
const MOST_ENTRIES = 2 ** 26;

/** Bytes read at a time at least, since pages may be small. */
const READ_AHEAD = 2 ** 18;

/**
 * The pages of one column in one row group, one at a time.
 *
 * @param dictionary is called first, if the values are written as places in one
 * @throws {Damage} if a page is not what its header says
 */
export async function* readPages(
  source: ByteSource,
  leaf: Leaf,
  chunk: Chunk,
  dictionary: (values: Encoded) => void,
): AsyncGenerator<Page, void, undefined> {
  const window = new ReadAhead(source, chunk.end);
  let at = chunk.start;
  for (let seen = 0; seen < chunk.entries;) {
    if (at >= chunk.end) {
      throw new Damage(
        `column ${JSON.stringify(leaf.column.name)} has ${seen} of ${chunk.entries} values`,
      );
    }
    const { struct: header, end: bodyStart } = await readHeader(window, at);
    const size = header.count(3, "the size of a page");
    if (size > chunk.end - bodyStart) throw new Damage(`a page claims ${size} bytes`);
    at = bodyStart + size;
    const type = header.number(1);
    if (type !== 0 && type !== 2 && type !== 3) continue;
    const body = await window.get(bodyStart, size);
    if (type === 2) {
      const facts = factsOf(header, 7);
      dictionary({
        bytes: await expand(body, header.count(2, "the size of a page"), chunk),
        // A dictionary is plain, whatever older writers call that.
        encoding: 0,
        count: entriesOf(facts),
      });
      continue;
    }
    const page =
      type === 0
        ? await readPage(header, body, leaf, chunk)
        : await readPage2(header, body, leaf, chunk);
    seen += page.entries;
    yield page;
  }
}

async function readPage(
  header: ThriftStruct,
  body: Uint8Array,
  leaf: Leaf,
  chunk: Chunk,
): Promise<Page> {
  const facts = factsOf(header, 5);
  const entries = entriesOf(facts);
  let rest = await expand(body, header.count(2, "the size of a page"), chunk);
  const levels = (most: number): Uint8Array | undefined => {
    if (most === 0) return undefined;
    if (rest.length < 4) throw new Damage("a page ends within its levels");
    const length = new DataView(rest.buffer, rest.byteOffset, 4).getUint32(0, true);
    if (length > rest.length - 4) throw new Damage(`a page claims levels of ${length} bytes`);
    const found = readLevels(rest.subarray(4, 4 + length), most, entries);
    rest = rest.subarray(4 + length);
    return found;
  };
  const repetition = levels(leaf.repetition);
  const definition = levels(leaf.definition);
  const count = countPresent(definition, leaf, entries);
  const encoding = facts.count(2, "an encoding");
  return { entries, repetition, definition, values: { bytes: rest, encoding, count } };
}

/** Version 2: the levels come first and are not compressed. */
async function readPage2(
  header: ThriftStruct,
  body: Uint8Array,
  leaf: Leaf,
  chunk: Chunk,
): Promise<Page> {
  const facts = factsOf(header, 8);
  const entries = entriesOf(facts);
  const middle = facts.count(6, "the size of levels");
  const start = middle + facts.count(5, "the size of levels");
  if (start > body.length) throw new Damage(`a page claims levels of ${start} bytes`);
  const levels = (most: number, from: number, to: number): Uint8Array | undefined =>
    most === 0 ? undefined : readLevels(body.subarray(from, to), most, entries);
  const repetition = levels(leaf.repetition, 0, middle);
  const definition = levels(leaf.definition, middle, start);
  const size = header.count(2, "the size of a page") - start;
  const packed = body.subarray(start);
  const bytes = facts.boolean(7) === false ? packed : await expand(packed, size, chunk);
  const count = countPresent(definition, leaf, entries);
  return {
    entries,
    repetition,
    definition,
    values: { bytes, encoding: facts.count(4, "an encoding"), count },
  };
}

function factsOf(header: ThriftStruct, field: number): ThriftStruct {
  const facts = header.struct(field);
  if (facts === undefined) throw new Damage("a page does not say what it holds");
  return facts;
}

function entriesOf(facts: ThriftStruct): number {
  const entries = facts.count(1, "the number of values");
  if (entries > MOST_ENTRIES) throw new Damage(`a page claims ${entries} values`);
  return entries;
}

async function expand(bytes: Uint8Array, size: number, { codec }: Chunk): Promise<Uint8Array> {
  return codec === undefined ? bytes : decompress(codec, bytes, size);
}

function readLevels(bytes: Uint8Array, most: number, entries: number): Uint8Array {
  const levels = new Uint8Array(entries);
  readHybrid(bytes, 32 - Math.clz32(most), levels);
  return levels;
}

function countPresent(definition: Uint8Array | undefined, leaf: Leaf, entries: number): number {
  if (definition === undefined) return entries;
  let count = 0;
  for (const level of definition) if (level === leaf.definition) count++;
  return count;
}

/** Headers do not say how long they are. Statistics in them are short, as a rule. */
async function readHeader(
  window: ReadAhead,
  at: number,
): Promise<{ struct: ThriftStruct; end: number }> {
  for (let length = 2 ** 12; ; length *= 64) {
    const bytes = await window.get(at, Math.min(length, window.end - at));
    try {
      const { struct, end } = readThrift(bytes);
      return { struct, end: at + end };
    } catch (error) {
      if (!(error instanceof OutOfBytes) || at + length >= window.end) throw error;
    }
  }
}

/** Bytes of a source up to an end, read in larger pieces than they are asked for. */
class ReadAhead {
  readonly end: number;
  readonly #source: ByteSource;
  #from = 0;
  #held: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource, end: number) {
    this.#source = source;
    this.end = end;
  }

  async get(start: number, length: number): Promise<Uint8Array> {
    const before = start - this.#from;
    if (before < 0 || before + length > this.#held.length) {
      const end = Math.min(this.end, start + Math.max(length, READ_AHEAD));
      this.#held = await readExactly(this.#source, start, end);
      this.#from = start;
      return this.#held.subarray(0, length);
    }
    return this.#held.subarray(before, before + length);
  }
}
