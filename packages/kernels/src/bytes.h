// Look-up tables in registers: the instructions that shuffle bytes, on each target that has them.
#pragma once

#include "kernels.h"

#if defined(__AVX2__) || defined(__ARM_NEON) || defined(__wasm_simd128__)
#define SHUFFLES 1
#else
#define SHUFFLES 0
#endif

#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if SHUFFLES

// Bytes in a vector, and vectors of bytes or of half as many sums.
#define BYTES (4 * LANES)
typedef uint8_t byte_vec __attribute__((vector_size(BYTES)));
typedef uint16_t sum_vec __attribute__((vector_size(BYTES)));
typedef uint8_t any_byte_vec __attribute__((vector_size(BYTES), aligned(1)));

INLINE byte_vec load_bytes(const uint8_t *p) { return *(const any_byte_vec *)p; }

// Sums of bytes, which stop at 255.
INLINE byte_vec add_bounded(byte_vec a, byte_vec b) { return __builtin_elementwise_add_sat(a, b); }

// Entries of a table of 16 by index, 0..15. Every 16 bytes of `table` are the table of the lanes in the same place.
INLINE byte_vec look_up_16(byte_vec table, byte_vec index) {
#if defined(__wasm_simd128__)
  typedef signed char signed_bytes __attribute__((vector_size(16)));
  return (byte_vec)__builtin_wasm_swizzle_i8x16((signed_bytes)table, (signed_bytes)index);
#elif defined(__ARM_NEON)
  return (byte_vec)vqtbl1q_u8((uint8x16_t)table, (uint8x16_t)index);
#else
  typedef char chars __attribute__((vector_size(BYTES)));
#if LANES == 16
  return (byte_vec)__builtin_ia32_pshufb512((chars)table, (chars)index);
#else
  return (byte_vec)__builtin_ia32_pshufb256((chars)table, (chars)index);
#endif
#endif
}

// Entries of a table of 256, in four vectors, by index.
#if defined(__AVX512VBMI__) && LANES == 16
#define LOOKS_UP_256 1
INLINE byte_vec look_up_256(const byte_vec table[4], byte_vec index) {
  typedef char chars __attribute__((vector_size(BYTES)));
  chars lower = __builtin_ia32_vpermi2varqi512((chars)table[0], (chars)index, (chars)table[1]);
  chars upper = __builtin_ia32_vpermi2varqi512((chars)table[2], (chars)index, (chars)table[3]);
  typedef signed char signed_bytes __attribute__((vector_size(BYTES)));
  return (byte_vec)EITHER((signed_bytes)index < 0, (signed_bytes)upper, (signed_bytes)lower);
}
#else
#define LOOKS_UP_256 0
#endif

// Entries of a table of 16 floats by the low four bits of an index.
#if LANES == 16
#define LOOKS_UP_FLOATS 1
INLINE vec look_up_floats(const float table[16], ivec index) {
  return (vec)__builtin_ia32_permvarsf512(load(table), index);
}
#else
#define LOOKS_UP_FLOATS 0
#endif

#endif
