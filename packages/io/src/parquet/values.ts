import { type HostDType, hostBytesPerElement } from "@tessera/core";
import { numberCells, textOf } from "../columnar/cells.js";
import { Damage } from "../columnar/damage.js";
import type { Cell } from "../columnar/reader.js";
import { decodeFloats } from "../table.js";
import { joinStreams, readDeltaLengths, readDeltas, readDeltaTexts } from "./delta.js";
import { readHybrid, unpack } from "./hybrid.js";
import type { Encoded } from "./pages.js";
import type { Leaf } from "./schema.js";

const PLAIN = 0;
const PLAIN_DICTIONARY = 2;
const RLE = 3;
const DELTA_BINARY_PACKED = 5;
const DELTA_LENGTH_BYTE_ARRAY = 6;
const DELTA_BYTE_ARRAY = 7;
const RLE_DICTIONARY = 8;
const BYTE_STREAM_SPLIT = 9;

/**
 * Numbers as float32.
 *
 * @param dictionary of the values, where there was one
 * @throws {Damage} if there are fewer than the page says
 */
export function decodeNumbers(
  encoded: Encoded,
  leaf: Leaf,
  dictionary: Float32Array | undefined,
): Float32Array {
  if (!isPlaces(encoded)) {
    const { bytes, dtype } = plainNumbers(encoded, leaf);
    return decodeFloats(bytes, dtype, true);
  }
  const places = readPlaces(encoded, dictionary?.length);
  const values = new Float32Array(places.length);
  for (let i = 0; i < values.length; i++) values[i] = dictionary![places[i]!]!;
  return values;
}

/** Values of any type that stands beside vectors. */
export function decodeCells(
  encoded: Encoded,
  leaf: Leaf,
  dictionary: readonly Cell[] | undefined,
): Cell[] {
  if (isPlaces(encoded)) {
    const places = readPlaces(encoded, dictionary?.length);
    return Array.from(places, (place) => dictionary![place]!);
  }
  if (leaf.column.content === "text") return readTexts(encoded).map(textOf);
  if (leaf.column.content === "boolean") return readBooleans(encoded);
  const { bytes, dtype } = plainNumbers(encoded, leaf);
  return numberCells(bytes, dtype);
}

function isPlaces({ encoding }: Encoded): boolean {
  return encoding === RLE_DICTIONARY || encoding === PLAIN_DICTIONARY;
}

/** Places in a dictionary: a byte with their width, then they themselves. */
function readPlaces({ bytes, count }: Encoded, known: number | undefined): Uint32Array {
  const places = new Uint32Array(count);
  if (count === 0) return places;
  if (bytes.length === 0) throw new Damage("a page ends within its values");
  readHybrid(bytes.subarray(1), bytes[0]!, places);
  const wrong = places.find((place) => place >= (known ?? 0));
  if (wrong !== undefined) {
    throw new Damage(`a page has value ${wrong} of a dictionary of ${known ?? 0}`);
  }
  return places;
}

/** The bytes of numbers one after another, whatever encoding they are in. */
function plainNumbers(encoded: Encoded, leaf: Leaf): { bytes: Uint8Array; dtype: HostDType } {
  const { bytes, count, encoding } = encoded;
  const dtype = leaf.column.dtype!;
  const size = hostBytesPerElement(dtype);
  if (encoding === PLAIN) {
    if (count * size > bytes.length) throw new Damage("a page ends within its values");
    return { bytes: bytes.subarray(0, count * size), dtype };
  }
  if (encoding === BYTE_STREAM_SPLIT) return { bytes: joinStreams(bytes, size, count), dtype };
  if (encoding === DELTA_BINARY_PACKED && /^[IU]/.test(dtype)) {
    const { values } = readDeltas(bytes, count);
    if (values.length !== count) throw new Damage("a page ends within its values");
    const own =
      size === 8 ? values : Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value)));
    return { bytes: new Uint8Array(own.buffer), dtype };
  }
  throw unknownEncoding(encoding);
}

function readTexts({ bytes, count, encoding }: Encoded): Uint8Array[] {
  if (encoding === DELTA_LENGTH_BYTE_ARRAY) return exactly(count, readDeltaLengths(bytes, count));
  if (encoding === DELTA_BYTE_ARRAY) return exactly(count, readDeltaTexts(bytes, count));
  if (encoding !== PLAIN) throw unknownEncoding(encoding);
  if (count * 4 > bytes.length) throw new Damage("a page ends within its texts");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: Uint8Array[] = [];
  for (let at = 0; texts.length < count;) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Infinity;
    if (length > bytes.length - at - 4) throw new Damage("a page ends within its texts");
    texts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return texts;
}

function exactly(count: number, texts: Uint8Array[]): Uint8Array[] {
  if (texts.length !== count) throw new Damage("a page ends within its texts");
  return texts;
}

function readBooleans({ bytes, count, encoding }: Encoded): boolean[] {
  const bits = new Uint8Array(count);
  if (encoding === RLE) readHybrid(bytes.subarray(4), 1, bits);
  else if (encoding !== PLAIN) throw unknownEncoding(encoding);
  else if (count > bytes.length * 8) throw new Damage("a page ends within its values");
  else unpack(bytes, 0, 1, bits, 0, count);
  return Array.from(bits, (bit) => bit === 1);
}

function unknownEncoding(encoding: number): Damage {
  return new Damage(
    `a page has values in encoding ${encoding}, which cannot be read`,
    "write it with another tool, such as pyarrow",
  );
}
