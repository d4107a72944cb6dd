import { NonFiniteError } from "@tessera/core";

/** Steps below the smallest normal number have no inverse in float32. */
const SMALLEST_STEP = 2 ** -126;

/**
 * Uniform scalar quantization: `code = clamp(round((x[i, j] − lower[j]) / step[j]), 0, levels − 1)`, or 0 where the
 * step is 0 (or too small to divide by).
 *
 * @param x `[n, d]`
 * @param lower `[d]`
 * @param step `[d]`
 * @returns the codes at `bits` bits each, as {@link packBits} lays them out: `[n, ceil(d·bits / 8)]`
 * @throws {NonFiniteError} naming the first row that is not finite
 */
export function referenceScalarEncode(
  x: Float32Array,
  lower: Float32Array,
  step: Float32Array,
  levels: number,
  bits: number,
): Uint8Array {
  checkRows(x, lower.length);
  const codes = x.map((value, i) => {
    const j = i % lower.length;
    if (step[j]! < SMALLEST_STEP) return 0;
    const position = (value - lower[j]!) / step[j]!;
    return Math.min(Math.max(Math.round(position), 0), levels - 1);
  });
  return packBits(codes, lower.length, bits);
}

/**
 * `lower[j] + code · step[j]`.
 *
 * @param codes `[n, ceil(d·bits / 8)]`
 * @param lower `[d]`
 * @param step `[d]`
 * @returns `[n, d]`
 */
export function referenceScalarDecode(
  codes: Uint8Array,
  lower: Float32Array,
  step: Float32Array,
  bits: number,
): Float64Array {
  const cols = lower.length;
  const values = Float64Array.from(unpackBits(codes, cols, bits));
  return values.map((code, i) => lower[i % cols]! + code * step[i % cols]!);
}

/**
 * The number of thresholds that each value exceeds: `code = #{k : x[i, j] > thresholds[k, j]}`.
 *
 * @param x `[n, d]`
 * @param thresholds `[count, d]`
 * @returns the codes at `bits` bits each, as {@link packBits} lays them out: `[n, ceil(d·bits / 8)]`
 * @throws {NonFiniteError} naming the first row that is not finite
 */
export function referenceThresholdEncode(
  x: Float32Array,
  thresholds: Float32Array,
  count: number,
  bits: number,
): Uint8Array {
  const cols = thresholds.length / count;
  checkRows(x, cols);
  const codes = x.map((value, i) => {
    let code = 0;
    for (let k = i % cols; k < thresholds.length; k += cols) if (value > thresholds[k]!) code++;
    return code;
  });
  return packBits(codes, cols, bits);
}

/**
 * Codes at `bits` bits each, one after another in their row, least significant bit first; each row is filled up to whole
 * bytes with zeros.
 *
 * @param codes `[n, cols]`, each below 2^bits
 * @param bits 1, 2, 4 or 8
 * @returns `[n, ceil(cols·bits / 8)]`
 */
export function packBits(codes: ArrayLike<number>, cols: number, bits: number): Uint8Array {
  const width = Math.ceil((cols * bits) / 8);
  const rows = cols === 0 ? 0 : codes.length / cols;
  const packed = new Uint8Array(rows * width);
  for (let i = 0; i < codes.length; i++) {
    const bit = (i % cols) * bits;
    packed[Math.floor(i / cols) * width + Math.floor(bit / 8)]! |= codes[i]! << (bit % 8);
  }
  return packed;
}

/** The codes that {@link packBits} packed, `[n, cols]`. */
export function unpackBits(packed: Uint8Array, cols: number, bits: number): Uint8Array {
  const width = Math.ceil((cols * bits) / 8);
  const rows = width === 0 ? 0 : packed.length / width;
  return new Uint8Array(rows * cols).map((_, i) => {
    const bit = (i % cols) * bits;
    const byte = packed[Math.floor(i / cols) * width + Math.floor(bit / 8)]!;
    return (byte >> (bit % 8)) & (2 ** bits - 1);
  });
}

function checkRows(x: Float32Array, cols: number): void {
  const bad = x.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new NonFiniteError(Math.floor(bad / cols));
}
