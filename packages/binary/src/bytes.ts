import { ArgumentError, Codes, FormatError } from "@tessera/core";

/*
 * The byte forms of one bit per dimension. `codes.pack()` has the first dimension in the least significant bit of the
 * first byte, as faiss does. sentence-transformers and transformers.js, like numpy.packbits, have it in the most
 * significant: `ubinary` as uint8, `binary` as int8 with 128 taken off. Bits after the last dimension are 0 in all three,
 * before that 128 is taken off.
 */

/**
 * Bits as `ubinary`: what `quantize_embeddings(x, precision="ubinary")` gives.
 *
 * @param codes of cardinality 2 in every column
 * @returns `[rows, ⌈columns / 8⌉]`
 * @throws {ArgumentError} if a column has another cardinality
 */
export function packUbinary(codes: Codes): Uint8Array {
  const column = codes.cardinalities.findIndex((cardinality) => cardinality !== 2);
  if (column >= 0) {
    throw new ArgumentError(
      `column ${column} has cardinality ${codes.cardinalities[column]}; binary forms hold one bit per column`,
      { hint: "codes.pack() gives the dense form of any codes" },
    );
  }
  return reverseBits(codes.pack());
}

/**
 * Bits as `binary`: what `quantize_embeddings(x, precision="binary")` gives.
 *
 * @param codes of cardinality 2 in every column
 * @returns `[rows, ⌈columns / 8⌉]`
 * @throws {ArgumentError} if a column has another cardinality
 */
export function packBinary(codes: Codes): Int8Array {
  const bytes = packUbinary(codes);
  // Modulo 256, to take 128 off is to flip the highest bit.
  for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i]! ^ 0x80;
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Reads `ubinary` bytes.
 *
 * @param bytes `[rows, ⌈dimension / 8⌉]`
 * @throws {FormatError} if they are not whole rows
 */
export function unpackUbinary(bytes: Uint8Array, dimension: number): Codes {
  checkRows(bytes, dimension);
  return Codes.unpack(
    reverseBits(bytes),
    Array.from({ length: dimension }, () => 2),
  );
}

/**
 * Reads `binary` bytes.
 *
 * @param bytes `[rows, ⌈dimension / 8⌉]`
 * @throws {FormatError} if they are not whole rows
 */
export function unpackBinary(bytes: Int8Array, dimension: number): Codes {
  return unpackUbinary(
    Uint8Array.from(bytes, (byte) => byte ^ 0x80),
    dimension,
  );
}

/** Each byte with its bits in the other order: turns `ubinary` into the form of `codes.pack()`, and back. */
export function reverseBits(bytes: Uint8Array): Uint8Array {
  const reversed = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i]!;
    byte = ((byte & 0x55) << 1) | ((byte >> 1) & 0x55);
    byte = ((byte & 0x33) << 2) | ((byte >> 2) & 0x33);
    reversed[i] = (byte << 4) | (byte >> 4);
  }
  return reversed;
}

function checkRows(bytes: Uint8Array, dimension: number): void {
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new ArgumentError(`dimension is ${dimension}; it must be an integer from 1`);
  }
  const rowBytes = Math.ceil(dimension / 8);
  if (bytes.length % rowBytes !== 0) {
    throw new FormatError(
      `${bytes.length} bytes are not whole rows of ${rowBytes} bytes, as ${dimension} dimensions have`,
    );
  }
}
