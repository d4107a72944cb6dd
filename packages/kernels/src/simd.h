// Vectors of the target, in GCC/Clang vector extensions: the one place that knows how wide they are.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Floats in a vector.
#ifndef LANES
#define LANES 4
#endif
// Vectors side by side in a panel of codewords (or of columns of a matrix), and rows in a register tile. ROWS · VECTORS
// accumulators, VECTORS operands and one broadcast must fit the registers: 16 on x86 below AVX-512.
#ifndef VECTORS
#define VECTORS 2
#endif
#ifndef ROWS
#define ROWS 4
#endif
#define PANEL (LANES * VECTORS)

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));
// The same vectors at any address.
typedef float uvec __attribute__((vector_size(4 * LANES), aligned(4)));
typedef int32_t uivec __attribute__((vector_size(4 * LANES), aligned(4)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vec load(const float *p) { return *(const uvec *)p; }
INLINE void store(float *p, vec v) { *(uvec *)p = v; }
INLINE ivec loadi(const int32_t *p) { return *(const uivec *)p; }
INLINE void storei(int32_t *p, ivec v) { *(uivec *)p = v; }
INLINE vec splat(float value) { return value - (vec){0}; }
INLINE ivec splati(int32_t value) { return value - (ivec){0}; }

// where ? a : b, lane by lane; `where` is all ones or all zeros in a lane.
INLINE vec select(ivec where, vec a, vec b) { return (vec)(((ivec)a & where) | ((ivec)b & ~where)); }
INLINE ivec selecti(ivec where, ivec a, ivec b) { return (a & where) | (b & ~where); }

// a · b + c, in one rounding where the target does that at full speed.
INLINE vec madd(vec a, vec b, vec c) {
#if defined(__wasm_relaxed_simd__)
  return __builtin_wasm_relaxed_madd_f32x4(a, b, c);
#elif defined(__FMA__) || defined(__ARM_NEON)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

INLINE int any(ivec v) {
#if defined(__wasm_simd128__)
  return __builtin_wasm_any_true_v128((__attribute__((vector_size(16))) signed char)v);
#else
  return __builtin_reduce_or(v) != 0;
#endif
}
