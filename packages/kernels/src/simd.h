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

#if defined(__wasm__) && !defined(__wasm_simd128__)
// Calls cost little next to vectors taken apart, and keep the code small.
#define INLINE static inline
#else
#define INLINE static inline __attribute__((always_inline))
#endif
// For what would make the loops around it large and gain little.
#define OUTLINE static inline __attribute__((noinline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vec load(const float *p) { return *(const uvec *)p; }
INLINE void store(float *p, vec v) { *(uvec *)p = v; }
INLINE ivec loadi(const int32_t *p) { return *(const uivec *)p; }
INLINE void storei(int32_t *p, ivec v) { *(uivec *)p = v; }
// The first `count` lanes, which is known where this is compiled.
INLINE void store_first(float *p, vec v, int count) { __builtin_memcpy(p, &v, 4 * (size_t)count); }
// As many lanes as there are values left; the others are 0, or are not stored.
OUTLINE vec load_some(const float *p, uint32_t left) {
  float padded[LANES] = {0};
  for (uint32_t i = 0; i < left; i++) padded[i] = p[i];
  return load(padded);
}
OUTLINE void store_some(float *p, vec v, uint32_t left) {
  float values[LANES];
  store(values, v);
  for (uint32_t i = 0; i < left; i++) p[i] = values[i];
}
INLINE vec load_upto(const float *p, uint32_t left) { return left >= LANES ? load(p) : load_some(p, left); }
INLINE void store_upto(float *p, vec v, uint32_t left) {
  if (left >= LANES) store(p, v);
  else store_some(p, v, left);
}
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

// a0 b0 a1 b1 … of the lower, and of the upper halves of two vectors of so many lanes.
#define LOWER_PAIRS_4 0, 4, 1, 5
#define UPPER_PAIRS_4 2, 6, 3, 7
#define LOWER_PAIRS_8 0, 8, 1, 9, 2, 10, 3, 11
#define UPPER_PAIRS_8 4, 12, 5, 13, 6, 14, 7, 15
#define LOWER_PAIRS_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UPPER_PAIRS_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#if LANES == 4
#define LOWER_PAIRS LOWER_PAIRS_4
#define UPPER_PAIRS UPPER_PAIRS_4
#elif LANES == 8
#define LOWER_PAIRS LOWER_PAIRS_8
#define UPPER_PAIRS UPPER_PAIRS_8
#elif LANES == 16
#define LOWER_PAIRS LOWER_PAIRS_16
#define UPPER_PAIRS UPPER_PAIRS_16
#endif

// Transposes a square of LANES vectors in place: pairing the first half with the second moves every value half of its way
// to its column, and log₂ LANES rounds of it all of it.
INLINE void transpose(vec square[LANES]) {
  UNROLL for (int round = 1; round < LANES; round *= 2) {
    vec paired[LANES];
    UNROLL for (int i = 0; i < LANES / 2; i++) {
      paired[2 * i] = __builtin_shufflevector(square[i], square[i + LANES / 2], LOWER_PAIRS);
      paired[2 * i + 1] = __builtin_shufflevector(square[i], square[i + LANES / 2], UPPER_PAIRS);
    }
    UNROLL for (int i = 0; i < LANES; i++) square[i] = paired[i];
  }
}

INLINE vec root(vec v) { return __builtin_elementwise_sqrt(v); }

INLINE int any(ivec v) {
#if defined(__wasm_simd128__)
  return __builtin_wasm_any_true_v128((__attribute__((vector_size(16))) signed char)v);
#else
  return __builtin_reduce_or(v) != 0;
#endif
}

// One bit for each lane that is all ones.
INLINE uint32_t bits_of(ivec v) {
#if defined(__wasm_simd128__)
  return __builtin_wasm_bitmask_i32x4(v);
#else
  typedef _Bool flags __attribute__((ext_vector_type(LANES)));
  flags set = __builtin_convertvector(v, flags);
  uint32_t bits = 0;
  __builtin_memcpy(&bits, &set, sizeof(set));
  // What fills up the byte of four flags is not 0 everywhere: on ARM a bit of the next lane may stand there.
  return bits & ((1u << LANES) - 1);
#endif
}

// Writes first + i for each bit i that is set, in order, and returns how many. It may write up to 16 words more than that.
INLINE uint32_t list_bits(uint32_t bits, uint32_t first, uint32_t *to) {
#if LANES == 16
  ivec numbers = splati((int32_t)first) + (ivec){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  uint16_t lower = (uint16_t)bits, upper = (uint16_t)(bits >> 16);
  storei((int32_t *)to, (ivec)__builtin_ia32_compresssi512_mask(numbers, (ivec){0}, lower));
  to += __builtin_popcount(lower);
  storei((int32_t *)to, (ivec)__builtin_ia32_compresssi512_mask(numbers + 16, (ivec){0}, upper));
  return (uint32_t)__builtin_popcount(bits);
#else
  // Whether there is one can hardly be foretold, but there is seldom another.
  to[0] = first + (uint32_t)__builtin_ctz(bits | 0x80000000);
  uint32_t count = bits != 0;
  for (bits &= bits - 1; bits; bits &= bits - 1) to[count++] = first + (uint32_t)__builtin_ctz(bits);
  return count;
#endif
}

// The lanes of a vector reduced to one: its halves are combined until a single lane is left, the same way everywhere.
#define LOWER_8(v) __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7)
#define UPPER_8(v) __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15)
#define LOWER_4(v) __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define UPPER_4(v) __builtin_shufflevector(v, v, 4, 5, 6, 7)
#define SWAP_2(v) __builtin_shufflevector(v, v, 2, 3, 0, 1)
#define SWAP_1(v) __builtin_shufflevector(v, v, 1, 0, 3, 2)
#if LANES == 16
#define TO_8(v, combine) combine(LOWER_8(v), UPPER_8(v))
#define TO_4(v, combine) combine(LOWER_4(TO_8(v, combine)), UPPER_4(TO_8(v, combine)))
#elif LANES == 8
#define TO_4(v, combine) combine(LOWER_4(v), UPPER_4(v))
#else
#define TO_4(v, combine) (v)
#endif
#define TO_2(v, combine) combine(TO_4(v, combine), SWAP_2(TO_4(v, combine)))
#define TO_1(v, combine) combine(TO_2(v, combine), SWAP_1(TO_2(v, combine)))[0]
#define PLUS(a, b) ((a) + (b))
#define EITHER(mask, a, b) ((typeof(a))(((mask) & (typeof(mask))(a)) | (~(mask) & (typeof(mask))(b))))
#define LARGER(a, b) EITHER((a) > (b), a, b)
#define SMALLER(a, b) EITHER((a) < (b), a, b)

INLINE float sum_of(vec v) { return TO_1(v, PLUS); }
INLINE float largest_of(vec v) { return TO_1(v, LARGER); }
INLINE int32_t lowest_of(ivec v) { return TO_1(v, SMALLER); }
