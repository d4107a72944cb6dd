import {
  ArgumentError,
  FormatError,
  HOST_ARRAYS,
  float32ToFloat16,
  hostBytesPerElement,
  hostTensor,
  ShapeError,
  sizeOf,
} from "@tessera/core";
import type { HostDType, HostTensor } from "@tessera/core";
import { swapBytes } from "./table.js";

/**
 * NumPy's array file (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a magic text, a version,
 * the length of a header, the header as a Python dictionary, and the elements.
 */

/** What an `.npy` file starts with. */
export const NPY_MAGIC: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Arrays that can be written; their type decides the type of the file's elements. */
export type NpyData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export interface NpyHeader {
  readonly dtype: HostDType;
  readonly littleEndian: boolean;
  readonly shape: readonly number[];
  /** First byte of the elements. */
  readonly dataStart: number;
}

export interface EncodeNpyOptions {
  /** Writes a Float32Array in half precision, rounded to nearest. Default false. */
  readonly half?: boolean | undefined;
}

const DTYPES: Readonly<Record<string, HostDType>> = {
  b1: "BOOL",
  f2: "F16",
  f4: "F32",
  f8: "F64",
  i1: "I8",
  i2: "I16",
  i4: "I32",
  i8: "I64",
  u1: "U8",
  u2: "U16",
  u4: "U32",
  u8: "U64",
};

/** Far more than a header without named fields takes. */
const MAX_HEADER = 2 ** 20;

/** NumPy leaves room for this many digits of the first extent, so that a header can be rewritten in place. */
const EXTENT_DIGITS = 21;

/**
 * Writes an array as an `.npy` file of version 1.0, byte for byte as NumPy does.
 *
 * @param shape row-major; one dimension by default
 * @throws {ShapeError} if the data do not fill the shape
 * @throws {ArgumentError} if the array has a type that cannot be written
 */
export function encodeNpy(
  data: NpyData,
  shape: readonly number[] = [data.length],
  options: EncodeNpyOptions = {},
): Uint8Array {
  const { dtype, bytes } = npyElements(data, options);
  if (shape.some((extent) => !(extent >= 0)) || sizeOf(shape) !== data.length) {
    throw new ShapeError(`${data.length} values do not fill the shape [${shape.join(", ")}]`);
  }
  const header = encodeNpyHeader(dtype, shape);
  const file = new Uint8Array(header.length + bytes.length);
  file.set(header);
  file.set(bytes, header.length);
  return file;
}

/** The element type and the bytes that `encodeNpy` writes for an array. */
export function npyElements(
  data: NpyData,
  { half = false }: EncodeNpyOptions = {},
): { dtype: HostDType; bytes: Uint8Array } {
  if (half && !(data instanceof Float32Array)) {
    throw new ArgumentError("half precision needs a Float32Array");
  }
  const dtype = half ? "F16" : writableDType(data);
  const array = half ? float32ToFloat16(data as Float32Array) : data;
  return { dtype, bytes: new Uint8Array(array.buffer, array.byteOffset, array.byteLength) };
}

function writableDType(data: NpyData): HostDType {
  // F16 and BOOL are held in the arrays of U16 and U8, which are what is meant here.
  const known = Object.values(DTYPES).filter((dtype) => dtype !== "F16" && dtype !== "BOOL");
  const dtype = known.find((name) => data instanceof (HOST_ARRAYS[name] as unknown as ViewClass));
  if (dtype === undefined) {
    throw new ArgumentError("npy needs a typed array of numbers", {
      hint: "pass a Float32Array, or an integer array such as Uint8Array",
    });
  }
  return dtype;
}

type ViewClass = new () => ArrayBufferView;

/**
 * The header alone, elements to follow. Its length depends on the extents after the first only, so the number of rows
 * can be filled in later.
 */
export function encodeNpyHeader(dtype: HostDType, shape: readonly number[]): Uint8Array {
  const kind = Object.keys(DTYPES).find((name) => DTYPES[name] === dtype);
  if (kind === undefined) {
    throw new ArgumentError(`npy has no element type for ${dtype}`, { hint: "convert to float32" });
  }
  const order = hostBytesPerElement(dtype) === 1 ? "|" : "<";
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '${order}${kind}', 'fortran_order': False, 'shape': (${extents}), }`;
  const room = shape.length === 0 ? 0 : EXTENT_DIGITS - String(shape[0]).length;
  // Magic, version and length take 10 bytes, the newline one; the elements start at a multiple of 64.
  const text = dictionary + " ".repeat(room);
  const total = Math.floor((text.length + 11) / 64) * 64 + 64;
  const bytes = new Uint8Array(total).fill(0x20);
  bytes.set([...NPY_MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, total - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[total - 1] = 0x0a;
  return bytes;
}

/**
 * Reads an `.npy` file: versions 1 to 3, either byte order, any number of dimensions.
 *
 * @returns the array; half precision as raw bits, which `toFloat32` of `@tessera/core` converts
 * @throws {FormatError} saying what is wrong, or what Tessera cannot read and how to convert it
 */
export function decodeNpy(bytes: Uint8Array, name = "the npy file"): HostTensor {
  const header = readNpyHeader(bytes, bytes.length, name);
  const elements = bytes.subarray(header.dataStart);
  const size = hostBytesPerElement(header.dtype);
  const ordered = header.littleEndian ? elements : swapBytes(elements, size);
  return hostTensor(header.dtype, header.shape, ordered);
}

/**
 * Where the header ends, from the first 12 bytes.
 *
 * @throws {FormatError} if this is no npy file, or the length cannot be true
 */
export function npyHeaderEnd(start: Uint8Array, fileBytes: number, name: string): number {
  if (start.length < 12 || NPY_MAGIC.some((byte, i) => start[i] !== byte)) {
    throw new FormatError(`${name} does not start as an npy file does`, {
      hint: "write it with numpy.save",
    });
  }
  const version = start[6]!;
  if (version < 1 || version > 3) {
    throw new FormatError(`${name} has npy version ${version}.${start[7]}; 1 to 3 can be read`);
  }
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const end = version === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (end > fileBytes || end > MAX_HEADER) {
    throw new FormatError(`${name} claims a header up to byte ${end} of ${fileBytes}`, {
      hint: "the file is cut short or damaged",
    });
  }
  return end;
}

/**
 * Reads the header, and checks it against the size of the file.
 *
 * @param start the file's bytes up to {@link npyHeaderEnd} or further
 * @throws {FormatError} saying what is wrong
 */
export function readNpyHeader(start: Uint8Array, fileBytes: number, name: string): NpyHeader {
  const dataStart = npyHeaderEnd(start, fileBytes, name);
  const textStart = start[6] === 1 ? 10 : 12;
  const text = new TextDecoder().decode(start.subarray(textStart, dataStart));
  const fields = parseDictionary(text, name);
  const { dtype, littleEndian } = parseType(fields.get("descr")!, name);
  if (fields.get("fortran_order") === "True") {
    throw new FormatError(`${name} is in Fortran order`, {
      hint: "save it with numpy.save(path, numpy.ascontiguousarray(x))",
    });
  }
  const shape = fields
    .get("shape")!
    .split(",")
    .map((extent) => extent.replace("L", "").trim())
    .filter((extent) => extent !== "")
    .map(Number);
  const size = shape.reduce((product, extent) => product * extent, hostBytesPerElement(dtype));
  if (!Number.isSafeInteger(size) || dataStart + size !== fileBytes) {
    throw new FormatError(
      `${name} has shape [${shape.join(", ")}] of ${dtype}, which takes ${dataStart + size} bytes; ` +
        `the file has ${fileBytes}`,
      { hint: "the file is cut short or damaged; save it again" },
    );
  }
  return { dtype, littleEndian, shape, dataStart };
}

/** The three fields of the header as texts, quotes and parentheses taken off. */
function parseDictionary(text: string, name: string): Map<string, string> {
  const fields = new Map<string, string>();
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1] ?? "";
  const field =
    /\s*['"](descr|fortran_order|shape)['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|(True|False)|\(([\d\sL,]*)\))\s*(?:,\s*|$)/y;
  for (let match = field.exec(body); match !== null; match = field.exec(body)) {
    const [, key, single, double, flag, extents] = match;
    fields.set(key!, single ?? double ?? flag ?? extents ?? "");
    if (field.lastIndex === body.length) break;
  }
  if (/['"]descr['"]\s*:\s*[[(]/.test(body)) {
    throw new FormatError(`${name} has a structured type with named fields`, {
      hint: "save one field as a plain array",
    });
  }
  if (fields.size !== 3) {
    throw new FormatError(`${name} has a damaged npy header`, { hint: "save it again" });
  }
  return fields;
}

function parseType(descr: string, name: string): { dtype: HostDType; littleEndian: boolean } {
  const [, order, kind] = /^([<>|=]?)([a-zA-Z]\d*)/.exec(descr) ?? [];
  const dtype = kind !== undefined && Object.hasOwn(DTYPES, kind) ? DTYPES[kind] : undefined;
  if (dtype !== undefined && descr.length === order!.length + kind!.length) {
    return { dtype, littleEndian: order !== ">" };
  }
  const what = kind?.startsWith("O")
    ? "Python objects"
    : kind?.startsWith("c")
      ? "complex numbers"
      : `elements of type ${JSON.stringify(descr.slice(0, 40))}`;
  throw new FormatError(`${name} holds ${what}, which Tessera cannot read`, {
    hint: 'save it as floats with numpy.save(path, x.astype("float32"))',
  });
}
