/**
 * IEEE 754 half precision and bfloat16 as raw bits in a `Uint16Array`, for files that hold them: JavaScript has no array
 * type for either.
 */

/** The values of half-precision bits; every one is exact in float32. NaN and infinities are kept. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const values = new Float32Array(bits.length);
  const words = new Uint32Array(values.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const exponent = half & 0x7c00;
    if (exponent === 0) {
      const magnitude = (half & 0x3ff) * 2 ** -24;
      values[i] = half & 0x8000 ? -magnitude : magnitude;
    } else {
      // The exponent's bias is 127, not 15; infinities and NaN have the highest exponent there is.
      const rebias = exponent === 0x7c00 ? 0x70000000 : 0x38000000;
      words[i] = ((half & 0x8000) << 16) | (((half & 0x7fff) << 13) + rebias);
    }
  }
  return values;
}

/** Half-precision bits of float32 values, rounded to nearest, ties to even; from 65520 up, the infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) bits[i] = roundToHalf(words[i]!);
  return bits;
}

function roundToHalf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 0x477ff000 is 65520, halfway between the largest half and the next power of two.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are multiples of 2^-24: adding 0.5 makes float32 itself round to that grid.
    const scratch = new Float32Array(1);
    const scratchWord = new Uint32Array(scratch.buffer);
    scratchWord[0] = magnitude;
    scratch[0] = scratch[0]! + 0.5;
    return sign | (scratchWord[0] - 0x3f000000);
  }
  // Rebias the exponent (127 to 15), then add just under half a unit, and one more where the kept part is odd.
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The values of bfloat16 bits, the upper half of a float32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return new Float32Array(words.buffer);
}

/** Bfloat16 bits of float32 values, rounded to nearest, ties to even; beyond the largest, the infinity. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    // NaN keeps its upper half, with a bit that it cannot lose.
    bits[i] =
      (word & 0x7fffffff) > 0x7f800000
        ? (word >>> 16) | 0x40
        : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return bits;
}
