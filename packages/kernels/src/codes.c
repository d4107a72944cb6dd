// Scalar codes and signs: bound by memory, so that everything else has to stay out of its way.
//
// Values go through in batches, as many as fill a vector of bytes on the narrowest target. The compiler cuts a batch
// into the target's own vectors; LANES does not matter here.
#include "kernels.h"

#define BATCH 16

// A batch may be wider than the target's registers, which would matter in calls; all functions that take one are inlined.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float floats __attribute__((vector_size(4 * BATCH)));
typedef float floats_any __attribute__((vector_size(4 * BATCH), aligned(4)));
typedef int32_t ints __attribute__((vector_size(4 * BATCH)));
typedef uint8_t bytes __attribute__((vector_size(BATCH)));
typedef signed char signed_bytes __attribute__((vector_size(BATCH)));
typedef uint16_t pairs __attribute__((vector_size(BATCH)));
typedef uint8_t half_bytes __attribute__((vector_size(BATCH / 2)));
typedef _Bool flags __attribute__((ext_vector_type(BATCH)));

INLINE floats load_floats(const float *p) { return *(const floats_any *)p; }
INLINE void store_floats(float *p, floats v) { *(floats_any *)p = v; }
INLINE floats all(float value) { return value - (floats){0}; }
INLINE floats choose(ints where, floats a, floats b) { return (floats)(((ints)a & where) | ((ints)b & ~where)); }

// Bit i is set where lane i is all ones.
INLINE uint16_t mask_of(ints where) {
#if defined(__wasm_simd128__)
  return (uint16_t)__builtin_wasm_bitmask_i8x16(__builtin_convertvector(where, signed_bytes));
#else
  flags set = __builtin_convertvector(where, flags);
  uint16_t mask;
  __builtin_memcpy(&mask, &set, sizeof mask);
  return mask;
#endif
}

// A batch of codes at `bits` bits each, the first in the lowest bits of the first byte.
INLINE void store_codes(uint8_t *out, ints codes, uint32_t bits) {
  if (bits == 1) {
    uint16_t mask = mask_of((codes & 1) != 0);
    __builtin_memcpy(out, &mask, sizeof mask);
    return;
  }
  bytes one = __builtin_convertvector(codes, bytes);
  if (bits == 8) {
    __builtin_memcpy(out, &one, sizeof one);
    return;
  }
  // Neighbours meet in one byte, and of 2 bits those bytes do again.
  pairs two = (pairs)one;
  half_bytes met = __builtin_convertvector(two | two >> (8 - bits), half_bytes);
  uint64_t four;
  __builtin_memcpy(&four, &met, sizeof four);
  if (bits == 4) {
    __builtin_memcpy(out, &four, sizeof four);
    return;
  }
  four = (four | four >> 4) & 0x00ff00ff00ff00ff;
  four = (four | four >> 8) & 0x0000ffff0000ffff;
  uint32_t packed = (uint32_t)(four | four >> 16);
  __builtin_memcpy(out, &packed, sizeof packed);
}

// What store_codes stored.
INLINE ints load_codes(const uint8_t *p, uint32_t bits) {
  bytes one;
  if (bits == 1) {
    uint16_t mask;
    __builtin_memcpy(&mask, p, sizeof mask);
    ints bit;
    UNROLL for (int i = 0; i < BATCH; i++) bit[i] = 1 << i;
    return (((int32_t)mask & bit) != 0) & 1;
  }
  if (bits == 8) {
    __builtin_memcpy(&one, p, sizeof one);
    return __builtin_convertvector(one, ints);
  }
  uint64_t four;
  if (bits == 4) {
    __builtin_memcpy(&four, p, sizeof four);
  } else {
    uint32_t packed;
    __builtin_memcpy(&packed, p, sizeof packed);
    four = (packed | (uint64_t)packed << 16) & 0x0000ffff0000ffff;
    four = (four | four << 8) & 0x00ff00ff00ff00ff;
    four = (four | four << 4) & 0x0f0f0f0f0f0f0f0f;
  }
  half_bytes met;
  __builtin_memcpy(&met, &four, sizeof met);
  pairs two = __builtin_convertvector(met, pairs);
  uint16_t low = bits == 4 ? 0x0f0f : 0x0303;
  one = (bytes)((two | two << (8 - bits)) & low);
  return __builtin_convertvector(one, ints);
}

// Copies the bytes of the first `count` codes.
INLINE void copy_bytes(uint8_t *out, const uint8_t *from, uint32_t count, uint32_t bits) {
  for (uint32_t i = 0; i < ceil_div(count * bits, 8); i++) out[i] = from[i];
}

// Copies `count` values and fills them up to whole batches with zeros.
INLINE void pad(float *out, const float *from, uint32_t count) {
  uint32_t i = 0;
  for (; i < count; i++) out[i] = from ? from[i] : 0;
  for (; i % BATCH != 0; i++) out[i] = 0;
}

INLINE uint32_t padded(uint32_t count) { return ceil_div(count, BATCH) * BATCH; }

// Where the last batch of a row starts at the latest, d standing for anywhere: so that it ends with the row, doing some
// values again, which is faster than a partial batch. Not if rows are shorter than a batch or end within a byte.
INLINE uint32_t last_batch(uint32_t d, uint32_t bits) {
  return d >= BATCH && d * bits % 8 == 0 ? d - BATCH : d;
}

// The first row begin..end with a value that is not finite. `noise` is the sum of their x − x: 0 if there is none.
INLINE uint32_t faulty(const float *x, uint32_t begin, uint32_t end, uint32_t d, floats noise) {
  float sum = 0;
  for (int i = 0; i < BATCH; i++) sum += noise[i];
  if (sum == 0) return NO_FAULT;
  for (uint32_t row = begin; row < end; row++)
    for (uint32_t j = 0; j < d; j++)
      if (!is_finite(x[(size_t)row * d + j])) return row;
  return NO_FAULT;
}

typedef struct {
  const float *x;     // [rows, dimension]
  const float *lower; // [dimension]
  const float *step;  // [dimension]
  uint8_t *codes;     // [rows, ceil(dimension · bits / 8)]
  uint32_t dimension, levels, bits;
} scalar_encode_arguments;

// The level nearest to each value. `highest` is the last level; adding 2²³ rounds to the integer in the lowest bits.
INLINE ints nearest_level(floats x, floats lower, floats inverse, floats highest) {
  floats t = (x - lower) * inverse;
  // What is not a number, as where 1/step is 0 and x − lower infinite, counts as 0.
  t = choose(t > 0, t, all(0));
  t = choose(t < highest, t, highest);
  return (ints)(t + all(0x1p23f)) & 0xff;
}

// Items: rows. Fault: the row. Scratch: 8 · dimension bytes, the dimension rounded up to a multiple of BATCH.
EXPORT(scalarEncode)
uint32_t scalar_encode(const scalar_encode_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t d = a->dimension, bits = a->bits, last = last_batch(d, bits);
  size_t width = ceil_div(d * bits, 8);
  float *lower = (float *)scratch, *inverse = lower + padded(d);
  pad(lower, a->lower, d);
  pad(inverse, a->step, d);
  // A step of 0, or so small that its inverse is infinite, leaves code 0.
  for (uint32_t j = 0; j < d; j++) inverse[j] = inverse[j] >= 0x1p-126f ? 1 / inverse[j] : 0;
  floats highest = all((float)(a->levels - 1)), noise = {0};
  float x_end[BATCH];
  uint8_t codes_end[BATCH];
  for (uint32_t row = begin; row < end; row++) {
    const float *x = a->x + (size_t)row * d;
    uint8_t *out = a->codes + row * width;
    for (uint32_t next = 0; next < d; next += BATCH) {
      uint32_t j = min_u32(next, last);
      int partial = d - j < BATCH;
      if (partial) pad(x_end, x + j, d - j);
      floats values = load_floats(partial ? x_end : x + j);
      noise += values - values;
      ints codes = nearest_level(values, load_floats(lower + j), load_floats(inverse + j), highest);
      store_codes(partial ? codes_end : out + j * bits / 8, codes, bits);
      if (partial) copy_bytes(out + j * bits / 8, codes_end, d - j, bits);
    }
  }
  return faulty(a->x, begin, end, d, noise);
}


typedef struct {
  const uint8_t *codes; // [rows, ceil(dimension · bits / 8)]
  const float *lower;   // [dimension]
  const float *step;    // [dimension]
  float *out;           // [rows, dimension]
  uint32_t dimension, bits;
} scalar_decode_arguments;

// lower + code · step, the product and the sum each rounded. Items: rows. Scratch: as for scalarEncode.
EXPORT(scalarDecode)
uint32_t scalar_decode(const scalar_decode_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t d = a->dimension, bits = a->bits, last = last_batch(d, bits);
  size_t width = ceil_div(d * bits, 8);
  float *lower = (float *)scratch, *step = lower + padded(d);
  pad(lower, a->lower, d);
  pad(step, a->step, d);
  uint8_t codes_end[BATCH] = {0};
  float out_end[BATCH];
  for (uint32_t row = begin; row < end; row++) {
    const uint8_t *codes = a->codes + row * width;
    float *out = a->out + (size_t)row * d;
    for (uint32_t next = 0; next < d; next += BATCH) {
      uint32_t j = min_u32(next, last);
      int partial = d - j < BATCH;
      if (partial) copy_bytes(codes_end, codes + j * bits / 8, d - j, bits);
      ints loaded = load_codes(partial ? codes_end : codes + j * bits / 8, bits);
      // Integers in the lowest bits of 2²³ become floats by a subtraction; a conversion of bytes is not a vector's on wasm.
      floats levels = (floats)(loaded | 0x4b000000) - all(0x1p23f);
      store_floats(partial ? out_end : out + j, load_floats(lower + j) + levels * load_floats(step + j));
      for (uint32_t i = j; partial && i < d; i++) out[i] = out_end[i - j];
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *x;          // [rows, dimension]
  const float *thresholds; // [dimension], or 0: all 0
  uint8_t *codes;          // [rows, ceil(dimension / 8)]
  uint32_t dimension;
} pack_signs_arguments;

// Bit j of a row is x[j] > thresholds[j]. Items: rows. Fault: the row. Scratch: 4 · dimension bytes, rounded as above.
EXPORT(packSigns)
uint32_t pack_signs(const pack_signs_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t d = a->dimension, last = last_batch(d, 1);
  size_t width = ceil_div(d, 8);
  float *thresholds = (float *)scratch, x_end[BATCH];
  pad(thresholds, a->thresholds, d);
  floats noise = {0};
  for (uint32_t row = begin; row < end; row++) {
    const float *x = a->x + (size_t)row * d;
    uint8_t *out = a->codes + row * width;
    for (uint32_t next = 0; next < d; next += BATCH) {
      uint32_t j = min_u32(next, last);
      int partial = d - j < BATCH;
      if (partial) pad(x_end, x + j, d - j);
      floats values = load_floats(partial ? x_end : x + j);
      noise += values - values;
      uint16_t mask = mask_of(values > load_floats(thresholds + j));
      if (partial) copy_bytes(out + j / 8, (const uint8_t *)&mask, d - j, 1);
      else __builtin_memcpy(out + j / 8, &mask, sizeof mask);
    }
  }
  return faulty(a->x, begin, end, d, noise);
}
