import {
  ArgumentError,
  FormatError,
  hostBytesPerElement,
  hostTensor,
  toFloat32,
} from "@tessera/core";
import type { HostDType } from "@tessera/core";
import { fillExactly, readExactly, type ByteSource } from "./source.js";

/** Where the rows of a matrix lie in a binary file: at one distance from one another, whatever the format. */
export interface Table {
  readonly dtype: HostDType;
  readonly littleEndian: boolean;
  readonly rows: number;
  readonly cols: number;
  /** First byte of row 0, its dimension included where it has one. */
  readonly start: number;
  /** Whether each row opens with its dimension as an int32, as in fvecs. */
  readonly counted: boolean;
}

/** Bytes from one row to the next. */
export function rowStride(table: Pick<Table, "dtype" | "cols" | "counted">): number {
  return (table.counted ? 4 : 0) + table.cols * hostBytesPerElement(table.dtype);
}

/**
 * Rows `first..end` as float32.
 *
 * @param place where they may be put, if that saves an array
 * @returns `[end − first, cols]`
 * @throws {FormatError} naming a row of another dimension
 */
export async function readTable(
  source: ByteSource,
  table: Table,
  first: number,
  end: number,
  place?: Float32Array,
): Promise<Float32Array> {
  const stride = rowStride(table);
  if (place && table.dtype === "F32" && table.littleEndian && !table.counted) {
    const bytes = new Uint8Array(place.buffer, place.byteOffset, place.byteLength);
    if (await fillExactly(source, table.start + first * stride, bytes)) return place;
  }
  const bytes = await readExactly(source, table.start + first * stride, table.start + end * stride);
  const values = table.counted ? withoutCounts(bytes, table, first, source.name) : bytes;
  return decodeFloats(values, table.dtype, table.littleEndian);
}

/**
 * Runs an allocation that the size of the file justifies, but that may be more than the engine can give.
 *
 * @throws {ArgumentError} saying how to do with less
 */
export async function withMemory<T>(
  name: string,
  hint: string,
  body: () => T | Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ArgumentError(`${name} does not fit into memory at once`, { hint });
  }
}

/** Elements of any type and byte order as float32. The input is not changed. */
export function decodeFloats(
  bytes: Uint8Array,
  dtype: HostDType,
  littleEndian: boolean,
): Float32Array {
  const size = hostBytesPerElement(dtype);
  const ordered = littleEndian ? bytes : swapBytes(bytes, size);
  return toFloat32(hostTensor(dtype, [bytes.length / size], ordered));
}

/** A copy with the bytes of each element reversed. */
export function swapBytes(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const swapped = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i += elementBytes) {
    for (let j = 0; j < elementBytes; j++) swapped[i + j] = bytes[i + elementBytes - 1 - j]!;
  }
  return swapped;
}

function withoutCounts(bytes: Uint8Array, table: Table, first: number, name: string): Uint8Array {
  const stride = rowStride(table);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Uint8Array((bytes.length / stride) * (stride - 4));
  for (let at = 0, i = 0; at < bytes.length; at += stride, i++) {
    const cols = view.getInt32(at, true);
    if (cols !== table.cols) {
      throw new FormatError(
        `${name} row ${first + i} says it has ${cols} values; row 0 has ${table.cols}`,
        { hint: "all vectors of a file must have one dimension" },
      );
    }
    values.set(bytes.subarray(at + 4, at + stride), i * (stride - 4));
  }
  return values;
}
