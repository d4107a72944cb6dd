// Inner products of small whole numbers, DOT of them to each lane: on targets that multiply these faster than floats.
#pragma once

#include "kernels.h"

#if defined(__AVX512VNNI__) && LANES == 16
#define DOT 4
#elif defined(__AVXVNNI__) && LANES == 8
#define DOT 4
#elif defined(__wasm_simd128__)
// Not relaxed SIMD's product of bytes: the two compilers of V8 11.3 disagree about it.
#define DOT 2
#else
#define DOT 0
#endif

// Whole numbers lie in −LEVELS..LEVELS. The instruction may want those of rows without a sign: `lifted` adds ROW_OFFSET
// to each of a word.

#if DOT == 4

typedef int8_t whole;
#define LEVELS 127
#define ROW_OFFSET 128

INLINE uint32_t lifted(uint32_t word) { return word ^ 0x80808080; }

// sum + Σ over the whole numbers of each lane of x · c, x being lifted.
INLINE ivec dot(ivec sum, ivec x, ivec c) {
#if LANES == 16
  return (ivec)__builtin_ia32_vpdpbusd512(sum, x, c);
#else
  return (ivec)__builtin_ia32_vpdpbusd256(sum, x, c);
#endif
}

#elif DOT == 2

typedef int16_t whole;
#define LEVELS 32767
#define ROW_OFFSET 0

INLINE uint32_t lifted(uint32_t word) { return word; }

INLINE ivec dot(ivec sum, ivec x, ivec c) {
  typedef int16_t pairs __attribute__((vector_size(16)));
  return sum + (ivec)__builtin_wasm_dot_s_i32x4_i16x8((pairs)x, (pairs)c);
}

#endif
