// Scalar codes and signs: bound by memory, so that everything else has to stay out of its way.
//
// Values go through in batches, as many as fill a vector of bytes on the narrowest target. The compiler cuts a batch
// into the target's own vectors; LANES does not matter here.
#include "kernels.h"

#define BATCH 16

// A batch may be wider than the target's registers, which would matter in calls; what takes one is always inlined.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

typedef float batch_floats __attribute__((vector_size(4 * BATCH)));
typedef float batch_floats_any __attribute__((vector_size(4 * BATCH), aligned(4)));
typedef int32_t batch_ints __attribute__((vector_size(4 * BATCH)));
typedef uint8_t batch_bytes __attribute__((vector_size(BATCH)));
typedef signed char batch_signed_bytes __attribute__((vector_size(BATCH)));
typedef uint16_t batch_pairs __attribute__((vector_size(BATCH)));
typedef uint8_t batch_half_bytes __attribute__((vector_size(BATCH / 2)));
typedef _Bool batch_flags __attribute__((ext_vector_type(BATCH)));

INLINE batch_floats load_batch(const float *p) { return *(const batch_floats_any *)p; }
INLINE void store_batch(float *p, batch_floats v) { *(batch_floats_any *)p = v; }
INLINE batch_floats batch_of(float value) { return value - (batch_floats){0}; }
// where ? a : b, as `select` does for vectors.
INLINE batch_floats select_batch(batch_ints where, batch_floats a, batch_floats b) {
  return (batch_floats)(((batch_ints)a & where) | ((batch_ints)b & ~where));
}

// Bit i is set where lane i is all ones.
INLINE uint16_t batch_mask(batch_ints where) {
#if defined(__wasm_simd128__)
  return (uint16_t)__builtin_wasm_bitmask_i8x16(__builtin_convertvector(where, batch_signed_bytes));
#else
  batch_flags set = __builtin_convertvector(where, batch_flags);
  uint16_t mask;
  __builtin_memcpy(&mask, &set, sizeof mask);
  return mask;
#endif
}

// A batch of codes at `bits` bits each, the first in the lowest bits of the first byte.
INLINE void store_codes(uint8_t *out, batch_ints codes, uint32_t bits) {
  if (bits == 1) {
    uint16_t mask = batch_mask((codes & 1) != 0);
    __builtin_memcpy(out, &mask, sizeof mask);
    return;
  }
  batch_bytes one = __builtin_convertvector(codes, batch_bytes);
  if (bits == 8) {
    __builtin_memcpy(out, &one, sizeof one);
    return;
  }
  // Neighbours meet in one byte, and of 2 bits those bytes do again.
  batch_pairs two = (batch_pairs)one;
  batch_half_bytes met = __builtin_convertvector(two | two >> (8 - bits), batch_half_bytes);
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
INLINE batch_ints load_codes(const uint8_t *p, uint32_t bits) {
  batch_bytes one;
  if (bits == 1) {
    uint16_t mask;
    __builtin_memcpy(&mask, p, sizeof mask);
    batch_ints bit;
    UNROLL for (int i = 0; i < BATCH; i++) bit[i] = 1 << i;
    return (((int32_t)mask & bit) != 0) & 1;
  }
  if (bits == 8) {
    __builtin_memcpy(&one, p, sizeof one);
    return __builtin_convertvector(one, batch_ints);
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
  batch_half_bytes met;
  __builtin_memcpy(&met, &four, sizeof met);
  batch_pairs two = __builtin_convertvector(met, batch_pairs);
  uint16_t low = bits == 4 ? 0x0f0f : 0x0303;
  one = (batch_bytes)((two | two << (8 - bits)) & low);
  return __builtin_convertvector(one, batch_ints);
}

// Copies the bytes of the first `count` codes.
INLINE void copy_code_bytes(uint8_t *out, const uint8_t *from, uint32_t count, uint32_t bits) {
  for (uint32_t i = 0; i < ceil_div(count * bits, 8); i++) out[i] = from[i];
}

// Copies `count` values and fills them up to whole batches with zeros.
INLINE void pad_batch(float *out, const float *from, uint32_t count) {
  uint32_t i = 0;
  for (; i < count; i++) out[i] = from ? from[i] : 0;
  for (; i % BATCH != 0; i++) out[i] = 0;
}

INLINE uint32_t padded_to_batch(uint32_t count) { return ceil_div(count, BATCH) * BATCH; }

// Where the last batch of a row starts at the latest, d standing for anywhere: so that it ends with the row, doing some
// values again, which is faster than a partial batch. Not if rows are shorter than a batch or end within a byte.
INLINE uint32_t last_batch_start(uint32_t d, uint32_t bits) {
  return d >= BATCH && d * bits % 8 == 0 ? d - BATCH : d;
}

// The first row begin..end with a value that is not finite. `noise` is the sum of their x − x: 0 if there is none.
INLINE uint32_t first_not_finite(const float *x, uint32_t begin, uint32_t end, uint32_t d, batch_floats noise) {
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
INLINE batch_ints nearest_level(batch_floats x, batch_floats lower, batch_floats inverse, batch_floats highest) {
  batch_floats t = (x - lower) * inverse;
  // What is not a number, as where 1/step is 0 and x − lower infinite, counts as 0.
  t = select_batch(t > 0, t, batch_of(0));
  t = select_batch(t < highest, t, highest);
  return (batch_ints)(t + batch_of(0x1p23f)) & 0xff;
}

// Items: rows. Fault: the row. Scratch: 8 · dimension bytes, the dimension rounded up to a multiple of BATCH.
EXPORT(scalarEncode)
uint32_t scalar_encode(const scalar_encode_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t d = a->dimension, bits = a->bits, last = last_batch_start(d, bits);
  size_t width = ceil_div(d * bits, 8);
  float *lower = (float *)scratch, *inverse = lower + padded_to_batch(d);
  pad_batch(lower, a->lower, d);
  pad_batch(inverse, a->step, d);
  // A step of 0, or so small that its inverse is infinite, leaves code 0.
  for (uint32_t j = 0; j < d; j++) inverse[j] = inverse[j] >= 0x1p-126f ? 1 / inverse[j] : 0;
  batch_floats highest = batch_of((float)(a->levels - 1)), noise = {0};
  float x_end[BATCH];
  uint8_t codes_end[BATCH];
  for (uint32_t row = begin; row < end; row++) {
    const float *x = a->x + (size_t)row * d;
    uint8_t *out = a->codes + row * width;
    for (uint32_t next = 0; next < d; next += BATCH) {
      uint32_t j = min_u32(next, last);
      int partial = d - j < BATCH;
      if (partial) pad_batch(x_end, x + j, d - j);
      batch_floats values = load_batch(partial ? x_end : x + j);
      noise += values - values;
      batch_ints codes = nearest_level(values, load_batch(lower + j), load_batch(inverse + j), highest);
      store_codes(partial ? codes_end : out + j * bits / 8, codes, bits);
      if (partial) copy_code_bytes(out + j * bits / 8, codes_end, d - j, bits);
    }
  }
  return first_not_finite(a->x, begin, end, d, noise);
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
  uint32_t d = a->dimension, bits = a->bits, last = last_batch_start(d, bits);
  size_t width = ceil_div(d * bits, 8);
  float *lower = (float *)scratch, *step = lower + padded_to_batch(d);
  pad_batch(lower, a->lower, d);
  pad_batch(step, a->step, d);
  uint8_t codes_end[BATCH] = {0};
  float out_end[BATCH];
  for (uint32_t row = begin; row < end; row++) {
    const uint8_t *codes = a->codes + row * width;
    float *out = a->out + (size_t)row * d;
    for (uint32_t next = 0; next < d; next += BATCH) {
      uint32_t j = min_u32(next, last);
      int partial = d - j < BATCH;
      if (partial) copy_code_bytes(codes_end, codes + j * bits / 8, d - j, bits);
      batch_ints loaded = load_codes(partial ? codes_end : codes + j * bits / 8, bits);
      // An integer in the lowest bits of 2²³ becomes a float by subtraction; wasm has no conversion of bytes.
      batch_floats levels = (batch_floats)(loaded | 0x4b000000) - batch_of(0x1p23f);
      store_batch(partial ? out_end : out + j, load_batch(lower + j) + levels * load_batch(step + j));
      for (uint32_t i = j; partial && i < d; i++) out[i] = out_end[i - j];
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *x;          // [rows, dimension]
  const float *thresholds; // [count, dimension], or 0: all 0
  uint8_t *codes;          // [rows, ceil(dimension · bits / 8)]
  uint32_t dimension, count, bits;
} threshold_encode_arguments;

// Stores the codes of one batch, or of the values left in the row if those are fewer; returns the noise with theirs.
INLINE batch_floats exceed(const float *x, const float *thresholds, size_t stride, uint32_t count, uint32_t values_left,
                           uint8_t *out, uint32_t bits, batch_floats noise) {
  int partial = values_left < BATCH;
  float x_end[BATCH];
  uint8_t codes_end[BATCH];
  if (partial) pad_batch(x_end, x, values_left);
  batch_floats values = load_batch(partial ? x_end : x);
  batch_ints exceeded = {0};
  // A comparison that holds is −1.
  for (uint32_t k = 0; k < count; k++) exceeded -= values > load_batch(thresholds + k * stride);
  store_codes(partial ? codes_end : out, exceeded, bits);
  if (partial) copy_code_bytes(out, codes_end, values_left, bits);
  return noise + (values - values);
}

// Thresholds of one batch, from column j, side by side.
INLINE void gather_thresholds(const threshold_encode_arguments *a, uint32_t j, float *out) {
  for (uint32_t k = 0; k < a->count; k++)
    pad_batch(out + k * BATCH, a->thresholds ? a->thresholds + (size_t)k * a->dimension + j : 0,
              min_u32(BATCH, a->dimension - j));
}

// Many thresholds are gathered, since as they lie their lines share few cache sets, and then meet so many rows.
#define THRESHOLD_ROWS 32
#define MANY_THRESHOLDS 17

// The number of its thresholds that a value exceeds. Items: rows. Fault: the row. Scratch: 4 · count · BATCH bytes.
EXPORT(thresholdEncode)
uint32_t threshold_encode(const threshold_encode_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t d = a->dimension, bits = a->bits, count = a->count, last = last_batch_start(d, bits);
  uint32_t together = count < MANY_THRESHOLDS ? 1 : THRESHOLD_ROWS;
  size_t width = ceil_div(d * bits, 8);
  float *gathered = (float *)scratch;
  batch_floats noise = {0};
  // Few are read where they lie, but for the end of a row.
  gather_thresholds(a, d - d % BATCH, gathered);
  for (uint32_t first = begin; first < end; first += together) {
    uint32_t stop = min_u32(end, first + together);
    for (uint32_t next = 0; next < d; next += BATCH) {
      uint32_t j = min_u32(next, last);
      const float *x = a->x + (size_t)first * d + j;
      uint8_t *out = a->codes + first * width + j * bits / 8;
      if (together == 1) {
        int here = a->thresholds && d - j >= BATCH;
        const float *thresholds = here ? a->thresholds + j : gathered;
        noise = exceed(x, thresholds, here ? d : BATCH, count, d - j, out, bits, noise);
        continue;
      }
      gather_thresholds(a, j, gathered);
      for (uint32_t row = first; row < stop; row++, x += d, out += width)
        noise = exceed(x, gathered, BATCH, count, d - j, out, bits, noise);
    }
  }
  return first_not_finite(a->x, begin, end, d, noise);
}

#pragma clang diagnostic pop
