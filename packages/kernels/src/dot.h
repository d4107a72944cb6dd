// Inner products of small whole numbers, DOT of them to each lane: on targets that multiply these faster than floats.
#pragma once

#include "kernels.h"

#if defined(__AVX512VNNI__) && LANES == 16
#define DOT 4
#elif defined(__AVXVNNI__) && LANES == 8
#define DOT 4
#elif defined(__wasm_simd128__) && !defined(__wasm_relaxed_simd__) && LANES == 4
#define DOT 2
#else
#define DOT 0
#endif

#if DOT == 4

// Codewords are signed bytes. Rows are too, but the instruction wants theirs without a sign: ROW_OFFSET is added.
#define LEVELS 127
#define ROW_OFFSET 128
typedef int8_t whole;

// sum + Σ over the four bytes of each lane of x · c, x being unsigned.
INLINE ivec dot(ivec sum, ivec x, ivec c) {
#if LANES == 16
  return (ivec)__builtin_ia32_vpdpbusd512((ivec)sum, x, c);
#else
  return (ivec)__builtin_ia32_vpdpbusd256((ivec)sum, x, c);
#endif
}

#elif DOT == 2

#define LEVELS 32767
#define ROW_OFFSET 0
typedef int16_t whole;
INLINE ivec dot(ivec sum, ivec x, ivec c) {
  typedef int16_t pairs __attribute__((vector_size(16)));
  return sum + (ivec)__builtin_wasm_dot_s_i32x4_i16x8((pairs)x, (pairs)c);
}

#endif
