import { bitsFor, type Matrix } from "@tessera/core";

/** Bytes of one packed row of codes. */
export function packedBytes(cardinalities: readonly number[], extraBits = 0): number {
  return Math.ceil(cardinalities.reduce((sum, k) => sum + bitsFor(k), extraBits) / 8);
}

/** A codebook with a power of two of codewords, as faiss needs: the first fills up, and the lowest index wins its ties. */
export function paddedCodebook({ data, rows, cols }: Matrix): Float32Array {
  const size = 2 ** bitsFor(rows);
  if (size === rows) return data;
  const padded = new Float32Array(size * cols);
  padded.set(data);
  for (let k = rows; k < size; k++) padded.set(data.subarray(0, cols), k * cols);
  return padded;
}

/** Arrays one after another. */
export function concatenated(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
