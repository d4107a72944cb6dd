// Screening: a lower bound of each row's distance from tables of bytes, which vectors look up 32 or 64 at a time. Only rows
// whose bound is near enough are summed in float32, so the result keeps the bits of the plain sums.
//
// The entries of a query's tables become whole numbers of steps above the least of their group, rounded down:
//
//   Σ t_m  ≥  Σ min_m + step · Σ bytes,   and less than `groups` steps more
//
// Two bytes of codes of 4 bits (one of codes of 8) are added as bytes, which their levels leave room for, then those to
// sums of 16 bits. A scale of either sign turns the bounds of the sum into one of the distance: with the middle of the two
// and half their difference, scale · middle − |scale| · half is least.
#pragma once

#include "scan_tables.h"

#if SHUFFLES

// Where the sums of the two halves of a vector belong to the same rows, they are added up in the end.
#if BYTES > BLOCK_ROWS
#define SPAN (BYTES / BLOCK_ROWS)
#define PARTS 1
#else
#define SPAN 1
#define PARTS (BLOCK_ROWS / BYTES)
#endif
#define PART_ROWS (BLOCK_ROWS / PARTS)
// Queries that share the reading of codes.
#define ASKED_TOGETHER (LANES == 16 ? 4 : 2)

// Sums of the rows of a part, even and odd ones apart.
typedef int16_t row_sums __attribute__((vector_size(PART_ROWS)));
typedef struct {
  row_sums even, odd;
} part_sums;

// Bytes of a query's tables: [steps, 2, BYTES] for codes of 4 bits, a step being SPAN bytes of codes, low halves first.
INLINE uint32_t table_steps(const scan_tables_arguments *a) { return ceil_div(code_bytes(a), SPAN); }

INLINE int32_t most_levels(const scan_tables_arguments *a) {
  int32_t room = 32767 / (int32_t)a->groups, most = a->codewords == 16 ? 63 : 127;
  return room < most ? room : most;
}

// Writes a group's entries, which lie in least..least + step · levels, as bytes.
INLINE void round_down(const float *entries, uint32_t codewords, float least, float inverse, int32_t levels, uint8_t *out) {
  typedef uint8_t lane_bytes __attribute__((vector_size(LANES), aligned(1)));
  for (uint32_t i = 0; i < codewords; i += LANES) {
    ivec level = __builtin_convertvector((load(entries + i) - least) * inverse, ivec);
    level = selecti(level < levels, level, splati(levels));
    *(lane_bytes *)(out + i) = __builtin_convertvector(level, lane_bytes);
  }
}

// Makes a query's tables of bytes, and what bounds by them are worth.
INLINE void prepare_tables(const scan_tables_arguments *a, asked *query) {
  uint32_t k = a->codewords;
  double least = 0, size = 0;
  float widest = 0;
  for (uint32_t m = 0; m < a->groups; m++) {
    const float *entries = query->tables + (size_t)m * k;
    vec low = load(entries), high = low;
    for (uint32_t i = LANES; i < k; i += LANES) {
      vec values = load(entries + i);
      low = select(values < low, values, low);
      high = select(values > high, values, high);
    }
    float smallest = -largest_of(-low), largest = largest_of(high);
    least += smallest;
    size += largest > -smallest ? largest : -smallest;
    widest = largest - smallest > widest ? largest - smallest : widest;
  }
  int32_t levels = most_levels(a);
  // Far above what rounding makes of the entries, so that a group without differences has a step too.
  double step = widest / levels, smallest_step = size * 0x1p-40 + 0x1p-100;
  if (step < smallest_step) step = smallest_step;
  query->least = least;
  query->step = step;
  query->width = step * a->groups * 1.01;
  // Roundings of the sum in float32, and of everything here.
  query->slack = (a->groups + 16) * 0x1p-22 * size + 0x1p-100;
  // Bounds of sums that may overflow are not worth their while.
  if (!(size < 0x1p100)) query->slack = __builtin_inf();
  float inverse = (float)(1 / step * (1 - 0x1p-20));
  uint8_t *out = query->byte_tables;
  if (k == 256) {
    for (uint32_t m = 0; m < a->groups; m++, out += 256) {
      const float *entries = query->tables + (size_t)m * 256;
      vec low = load(entries);
      for (uint32_t i = LANES; i < 256; i += LANES) low = select(load(entries + i) < low, load(entries + i), low);
      round_down(entries, 256, -largest_of(-low), inverse, levels, out);
    }
    return;
  }
  for (uint32_t i = 0; i < table_steps(a) * 2; i++) *(any_byte_vec *)(out + (size_t)i * BYTES) = (byte_vec){0};
  for (uint32_t m = 0; m < a->groups; m++) {
    const float *entries = query->tables + (size_t)m * 16;
    uint32_t byte = m / 2;
    uint8_t *to = out + ((size_t)byte / SPAN * 2 + m % 2) * BYTES + byte % SPAN * BLOCK_ROWS;
    vec low = load(entries);
    for (uint32_t i = LANES; i < 16; i += LANES) low = select(load(entries + i) < low, load(entries + i), low);
    round_down(entries, 16, -largest_of(-low), inverse, levels, to);
    if (BYTES > 16) __builtin_memcpy(to + 16, to, 16);
  }
}

// The limits that follow from the nearest rows so far.
INLINE void renew_limits(const scan_tables_arguments *a, asked *query) {
  (void)a;
  query->seen = query->found.last;
  float last = key_distance(query->seen);
  double far = (double)last - query->bias, size = last < 0 ? -last : last;
  size += query->bias < 0 ? -query->bias : query->bias;
  // What rounds to `last` in the end may be a little farther.
  far += size * 0x1p-20;
  query->farthest = (float)(far + (far < 0 ? -far : far) * 0x1p-20);
  double most = (far + query->slack - query->least) / query->step;
  query->limit = most < 32767 ? most < 0 ? -1 : (int32_t)most : 32767;
}

// Adds the bytes of a vector to sums of its even and odd lanes; what the odd ones add to the even is taken out in the end.
INLINE void add_bytes(byte_vec bytes, sum_vec *even, sum_vec *odd) {
  *even += (sum_vec)bytes;
  *odd += (sum_vec)bytes >> 8;
}

INLINE part_sums sums_of(sum_vec even, sum_vec odd) {
  even -= odd << 8;
  part_sums out;
#if SPAN > 1
  row_sums halves[2][2];
  __builtin_memcpy(halves[0], &even, sizeof even);
  __builtin_memcpy(halves[1], &odd, sizeof odd);
  out.even = halves[0][0] + halves[0][1];
  out.odd = halves[1][0] + halves[1][1];
#else
  out.even = (row_sums)even;
  out.odd = (row_sums)odd;
#endif
  return out;
}

INLINE byte_vec look_up_codes(const uint8_t *table, byte_vec low, byte_vec high) {
  return look_up_16(load_bytes(table), low) + look_up_16(load_bytes(table + BYTES), high);
}

// Sums of the bytes of a part of a block's rows, for `queries` queries side by side.
INLINE void sum_codes(const uint8_t *codes, uint32_t bytes, const asked *query, int queries, part_sums *out) {
  sum_vec even[ASKED_TOGETHER] = {0}, odd[ASKED_TOGETHER] = {0};
  uint32_t whole = bytes / SPAN, s = 0;
  size_t table = 0;
  for (; s + 2 <= whole; s += 2, codes += 2 * SPAN * BLOCK_ROWS, table += 4 * BYTES) {
    byte_vec first = load_bytes(codes), second = load_bytes(codes + SPAN * BLOCK_ROWS);
    byte_vec low = first & 15, high = (byte_vec)((sum_vec)first >> 4) & 15;
    byte_vec second_low = second & 15, second_high = (byte_vec)((sum_vec)second >> 4) & 15;
    UNROLL for (int q = 0; q < queries; q++) {
      const uint8_t *tables = query[q].byte_tables + table;
      byte_vec both = look_up_codes(tables, low, high) + look_up_codes(tables + 2 * BYTES, second_low, second_high);
      add_bytes(both, even + q, odd + q);
    }
  }
  for (; s * SPAN < bytes; s++, codes += SPAN * BLOCK_ROWS, table += 2 * BYTES) {
    byte_vec first = {0};
    // The last vector may reach beyond the block.
    if (s < whole) first = load_bytes(codes);
    else __builtin_memcpy(&first, codes, BYTES / SPAN);
    byte_vec low = first & 15, high = (byte_vec)((sum_vec)first >> 4) & 15;
    UNROLL for (int q = 0; q < queries; q++)
      add_bytes(look_up_codes(query[q].byte_tables + table, low, high), even + q, odd + q);
  }
  UNROLL for (int q = 0; q < queries; q++) out[q] = sums_of(even[q], odd[q]);
}

// One bit for each lane that is all ones.
INLINE uint32_t bits_of_sums(row_sums v) {
#if defined(__wasm_simd128__)
  return __builtin_wasm_bitmask_i16x8(v);
#else
  typedef _Bool flags __attribute__((ext_vector_type(PART_ROWS / 2)));
  flags set = __builtin_convertvector(v, flags);
  uint32_t bits = 0;
  __builtin_memcpy(&bits, &set, sizeof(set));
  return bits;
#endif
}

// Sums the rows that their bounds do not rule out. `row` is the first of the part.
INLINE void take_near(const scan_tables_arguments *a, asked *query, uint32_t row, uint32_t end, part_sums sums) {
  int scaled = a->scales || a->offsets;
  row_sums even = sums.even <= (int16_t)query->limit, odd = sums.odd <= (int16_t)query->limit;
  uint32_t first = scaled ? (1u << PART_ROWS / 2) - 1 : bits_of_sums(even);
  uint32_t second = scaled ? first : bits_of_sums(odd);
  if (!(first | second)) return;
  uint32_t codes_row = row / BLOCK_ROWS * BLOCK_ROWS;
  const uint8_t *codes = block_at(a, row / BLOCK_ROWS) + (row - codes_row);
  float middle = (float)(query->least + query->width / 2), half = (float)((query->width / 2 + query->slack) * 1.001);
  for (uint32_t odd_rows = 0; odd_rows < 2; odd_rows++) {
    for (uint32_t left = odd_rows ? second : first; left; left &= left - 1) {
      uint32_t lane = (uint32_t)__builtin_ctz(left), at = 2 * lane + odd_rows;
      if (row + at >= end || !is_allowed(a->allowed, row + at)) continue;
      if (scaled) {
        float scale = a->scales ? a->scales[row + at] : 1, offset = a->offsets ? a->offsets[row + at] : 0;
        float size = scale < 0 ? -scale : scale, far = offset < 0 ? -offset : offset;
        float sum = (float)(odd_rows ? sums.odd : sums.even)[lane];
        float bound = scale * (middle + (float)query->step * sum) - size * half + offset - 0x1p-20f * far;
        if (bound > query->farthest) continue;
      }
      offer_sum(a, query, row + at, sum_row(a, query->tables, codes + at));
    }
  }
  if (query->found.last != query->seen) renew_limits(a, query);
}

#endif
