import { ArgumentError, FormatError, ShapeError } from "./errors.js";
import {
  HOST_ARRAYS,
  hostBytesPerElement,
  hostTensor,
  type HostDType,
  type HostTensor,
} from "./host-tensor.js";
import { sizeOf } from "./tensor.js";

/**
 * The safetensors format (https://huggingface.co/docs/safetensors): eight bytes with the length of a JSON header, the
 * header, and the tensors' bytes one after another, little-endian and row-major.
 *
 * Pure: bytes in, bytes out. Like every engine that runs JavaScript today, the host is taken to be little-endian.
 */

/** Where one tensor of a safetensors file lies. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: HostDType;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order in which the tensors lie in the file. */
  readonly entries: readonly SafetensorsEntry[];
  /** The texts under `__metadata__`; empty without them. Has no prototype. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The longest header that the format allows, in bytes. */
export const MAX_SAFETENSORS_HEADER = 100_000_000;

const WRITE_ORDER = Object.keys(HOST_ARRAYS);

/**
 * Writes tensors as one safetensors file.
 *
 * The same input gives the same bytes: those of the reference implementation, with tensors ordered from wide to narrow
 * element types and then by name. Metadata keys are sorted by name.
 *
 * @throws {ArgumentError} for a name that the format cannot hold, or data of another type than `dtype` says
 * @throws {ShapeError} if shape and data disagree
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, HostTensor>> | ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const named = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  for (const [name, tensor] of named) checkTensor(name, tensor);
  named.sort(
    ([aName, a], [bName, b]) =>
      WRITE_ORDER.indexOf(a.dtype) - WRITE_ORDER.indexOf(b.dtype) || compareText(aName, bName),
  );

  const fields: string[] = [];
  const texts = Object.entries(metadata).sort(([a], [b]) => compareText(a, b));
  for (const [key, text] of texts) checkText(key, text);
  if (texts.length > 0) {
    const pairs = texts.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`);
    fields.push(`"__metadata__":{${pairs.join(",")}}`);
  }
  let end = 0;
  for (const [name, { dtype, shape, data }] of named) {
    const offsets = [end, end + data.byteLength];
    fields.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets })}`,
    );
    end += data.byteLength;
  }

  const header = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(header.length / 8) * 8;
  if (headerBytes > MAX_SAFETENSORS_HEADER) {
    throw new ArgumentError(
      `the header would have ${headerBytes} bytes; safetensors allows ${MAX_SAFETENSORS_HEADER}`,
      { hint: "store large texts elsewhere than in the metadata" },
    );
  }
  const bytes = new Uint8Array(8 + headerBytes + end);
  new DataView(bytes.buffer).setUint32(0, headerBytes, true);
  bytes.fill(0x20, 8 + header.length, 8 + headerBytes);
  bytes.set(header, 8);
  let at = 8 + headerBytes;
  for (const [, { data }] of named) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a safetensors file, which is not trusted: every number is checked against the bytes that are there before
 * anything is allocated. The arrays are copies.
 *
 * @returns the tensors by name, in file order, and the metadata
 * @throws {FormatError} saying what is wrong with the file
 */
export function decodeSafetensors(bytes: Uint8Array): {
  tensors: Map<string, HostTensor>;
  metadata: Readonly<Record<string, string>>;
} {
  const headerEnd = safetensorsHeaderEnd(bytes, bytes.length);
  const { entries, metadata } = readSafetensorsHeader(bytes.subarray(0, headerEnd), bytes.length);
  const tensors = new Map<string, HostTensor>();
  for (const { name, dtype, shape, start, end } of entries) {
    tensors.set(name, hostTensor(dtype, shape, bytes.subarray(start, end)));
  }
  return { tensors, metadata };
}

/**
 * Where the header of a safetensors file ends, from its first eight bytes.
 *
 * @param fileBytes size of the whole file
 * @throws {FormatError} if the file is too short, or the length cannot be true
 */
export function safetensorsHeaderEnd(start: Uint8Array, fileBytes: number): number {
  if (start.length < 8 || fileBytes < 8) {
    throw new FormatError(`a safetensors file needs at least 8 bytes; this has ${fileBytes}`);
  }
  const view = new DataView(start.buffer, start.byteOffset, 8);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_SAFETENSORS_HEADER) {
    throw new FormatError(
      `the safetensors header claims ${length} bytes; the format allows ${MAX_SAFETENSORS_HEADER}`,
      { hint: "check that this is a safetensors file" },
    );
  }
  if (length > fileBytes - 8) {
    throw new FormatError(
      `the safetensors header claims ${length} bytes, but only ${fileBytes - 8} follow it`,
      { hint: "the file is cut short, or is not a safetensors file" },
    );
  }
  return 8 + length;
}

/**
 * Reads the header alone, to find tensors in a file without loading it.
 *
 * @param start the file's bytes up to {@link safetensorsHeaderEnd}
 * @param fileBytes size of the whole file
 * @throws {FormatError} saying what is wrong with the header
 */
export function readSafetensorsHeader(start: Uint8Array, fileBytes: number): SafetensorsHeader {
  const dataStart = safetensorsHeaderEnd(start, fileBytes);
  if (start.length < dataStart) {
    throw new FormatError(`the safetensors header is ${dataStart} bytes; ${start.length} are here`);
  }
  const header = parseHeader(start.subarray(8, dataStart));
  const entries: SafetensorsEntry[] = [];
  const metadata = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(header)) {
    if (name !== "__metadata__") {
      entries.push(readEntry(name, value, dataStart));
      continue;
    }
    if (!isObject(value)) throw new FormatError("safetensors __metadata__ is not an object");
    for (const [key, text] of Object.entries(value)) {
      if (typeof text !== "string") {
        throw new FormatError(`safetensors metadata ${JSON.stringify(key)} is not a text`);
      }
      metadata[key] = text;
    }
  }

  entries.sort((a, b) => a.start - b.start || a.end - b.end);
  let expected = dataStart;
  for (const { name, start: at, end } of entries) {
    if (at !== expected) {
      throw new FormatError(
        `safetensors tensor ${JSON.stringify(name)} starts at data offset ${at - dataStart}, ` +
          `but the tensor before it ends at ${expected - dataStart}`,
        { hint: "tensors must follow one another without gaps or overlaps" },
      );
    }
    expected = end;
  }
  if (expected !== fileBytes) {
    throw new FormatError(
      `the safetensors header describes ${expected} bytes in all, but the file has ${fileBytes}`,
      { hint: "the file is cut short or has something appended" },
    );
  }
  return { entries, metadata };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  const hint = "check that this is a safetensors file";
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw new FormatError("the safetensors header is not JSON in UTF-8", { hint, cause });
  }
  if (!isObject(header)) throw new FormatError("the safetensors header is not an object", { hint });
  checkNames(text);
  return header;
}

/** `JSON.parse` keeps the last of two equal names in silence, so valid JSON is scanned again for its names. */
function checkNames(json: string): void {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === "{") open.push(new Set());
    else if (character === "}") open.pop();
    else if (character === '"') {
      const start = i;
      for (i++; json[i] !== '"'; i++) if (json[i] === "\\") i++;
      let next = i + 1;
      while (" \t\n\r".includes(json[next]!)) next++;
      if (json[next] === ":") addName(open.at(-1)!, JSON.parse(json.slice(start, i + 1)) as string);
    }
  }
}

function addName(names: Set<string>, name: string): void {
  if (names.has(name)) {
    throw new FormatError(`the safetensors header has the name ${JSON.stringify(name)} twice`);
  }
  if (name === "__proto__") {
    throw new FormatError('the safetensors header uses the name "__proto__"', {
      hint: "rename that tensor or metadata key",
    });
  }
  names.add(name);
}

function readEntry(name: string, value: unknown, dataStart: number): SafetensorsEntry {
  const what = `safetensors tensor ${JSON.stringify(name)}`;
  if (!isObject(value)) throw new FormatError(`${what} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(HOST_ARRAYS, dtype)) {
    throw new FormatError(`${what} has dtype ${JSON.stringify(dtype)}, which Tessera cannot read`, {
      hint: `convert it to one of ${WRITE_ORDER.join(", ")}`,
    });
  }
  if (!isExtents(shape)) {
    throw new FormatError(`${what} has a shape that is not a list of integers from 0`);
  }
  if (!isExtents(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw new FormatError(`${what} has data_offsets that are not [start, end] with start <= end`);
  }
  const [start, end] = offsets as [number, number];
  // Division keeps the comparison exact where the product would leave the safe integers.
  const count = (end - start) / hostBytesPerElement(dtype as HostDType);
  const needed = shape.reduce((size, extent) => size * extent, 1);
  if (!Number.isSafeInteger(needed) || needed !== count) {
    throw new FormatError(
      `${what} has shape [${shape.join(", ")}] of ${dtype}, but ${end - start} bytes`,
    );
  }
  return { name, dtype: dtype as HostDType, shape, start: dataStart + start, end: dataStart + end };
}

function isExtents(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkTensor(name: string, { dtype, shape, data }: HostTensor): void {
  const what = `tensor ${JSON.stringify(name)}`;
  if (name === "__metadata__" || name === "__proto__" || /\p{Surrogate}/u.test(name)) {
    throw new ArgumentError(`${what} has a name that safetensors cannot hold`, {
      hint: "use another name",
    });
  }
  if (!Object.hasOwn(HOST_ARRAYS, dtype)) {
    throw new ArgumentError(
      `${what} has dtype ${String(dtype)}, not one of ${WRITE_ORDER.join(", ")}`,
    );
  }
  if (!(data instanceof (HOST_ARRAYS[dtype] as unknown as new () => object))) {
    throw new ArgumentError(
      `${what} is ${dtype}, but its data are not a ${HOST_ARRAYS[dtype].name}`,
    );
  }
  if (!isExtents(shape) || sizeOf(shape) !== data.length) {
    throw new ShapeError(`${what} has shape [${shape.join(", ")}] but ${data.length} values`);
  }
}

function checkText(key: string, text: string): void {
  const what = `metadata ${JSON.stringify(key)}`;
  if (typeof text !== "string") throw new ArgumentError(`${what} is not a text`);
  if (key === "__proto__" || /\p{Surrogate}/u.test(key + text)) {
    throw new ArgumentError(`${what} is not a text that safetensors can hold`);
  }
}

/** By code point, which is the order of the UTF-8 bytes. */
function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
