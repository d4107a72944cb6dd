// Screening: a lower bound of each row's distance from tables of bytes, which vectors look up 32 or 64 at a time. Only rows
// whose bound is near enough are summed in float32, so the result keeps the bits of the plain sums.
//
// The entries of a query's tables become whole numbers of steps above the least of their group, rounded down:
//
//   Σ t_m  ≥  Σ min_m + step · Σ bytes,   and less than `groups` steps more
//
// The entries of two bytes of codes, four of codes of 4 bits and two of codes of 8, are added as bytes, then those to
// sums of 16 bits. A scale of either sign turns the bounds of the sum into one of the distance: with the middle of the
// two and half their difference, scale · middle − |scale| · half is least.
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

// The largest entry of a table of bytes. Sums that stop at 255 are lower bounds still, and near rows hardly reach that.
// But where a scale is negative the far are near, so there a byte must hold whatever is added to it.
INLINE int32_t most_levels(const scan_tables_arguments *a) {
  int32_t groups = (int32_t)a->groups, added = a->codewords == 16 ? 4 : 2;
  if (!a->scales && (groups / added + 2) * 255 <= 32767) return a->codewords == 16 ? 160 : 255;
  int32_t room = 32767 / groups, most = 255 / added;
  return room < most ? room : most;
}

typedef struct {
  float least, most, mean;
} range;

INLINE range group_range(const float *entries, uint32_t codewords) {
  vec low = load(entries), high = low, sum = low;
  for (uint32_t i = LANES; i < codewords; i += LANES) {
    vec values = load(entries + i);
    low = select(values < low, values, low);
    high = select(values > high, values, high);
    sum += values;
  }
  return (range){-largest_of(-low), largest_of(high), sum_of(sum) / (float)codewords};
}

// Writes a group's entries as bytes; what is beyond the last level counts as that.
__attribute__((noinline)) static void round_down(const float *entries, uint32_t codewords, float inverse,
                                                 int32_t levels, uint8_t *out) {
  typedef uint8_t lane_bytes __attribute__((vector_size(LANES), aligned(1)));
  float least = group_range(entries, codewords).least;
  for (uint32_t i = 0; i < codewords; i += LANES) {
    vec level = (load(entries + i) - least) * inverse, most = splat((float)levels);
    level = select(level < most, level, most);
    *(lane_bytes *)(out + i) = __builtin_convertvector(__builtin_convertvector(level, ivec), lane_bytes);
  }
}

// Makes a query's tables of bytes, and what bounds by them are worth.
__attribute__((noinline)) static void prepare_tables(const scan_tables_arguments *a, asked *query) {
  uint32_t k = a->codewords;
  double least = 0, size = 0;
  float widest = 0, typical = 0;
  for (uint32_t m = 0; m < a->groups; m++) {
    range r = group_range(query->tables + (size_t)m * k, k);
    least += r.least;
    size += r.most > -r.least ? r.most : -r.least;
    widest = r.most - r.least > widest ? r.most - r.least : widest;
    typical = r.mean - r.least > typical ? r.mean - r.least : typical;
  }
  // Near rows have few of the larger entries, so those may count for less than they are, and steps be finer.
  if (!a->scales && 3 * typical < widest) widest = 3 * typical;
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
    for (uint32_t m = 0; m < a->groups; m++, out += 256)
      round_down(query->tables + (size_t)m * 256, 256, inverse, levels, out);
    return;
  }
  for (uint32_t i = 0; i < table_steps(a) * 2; i++) *(any_byte_vec *)(out + (size_t)i * BYTES) = (byte_vec){0};
  for (uint32_t m = 0; m < a->groups; m++) {
    uint32_t byte = m / 2;
    uint8_t *to = out + ((size_t)byte / SPAN * 2 + m % 2) * BYTES + byte % SPAN * BLOCK_ROWS;
    round_down(query->tables + (size_t)m * 16, 16, inverse, levels, to);
    if (BYTES > 16) __builtin_memcpy(to + 16, to, 16);
  }
}

// The limits that follow from the nearest rows so far.
__attribute__((noinline)) static void renew_limits(asked *query) {
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
  return add_bounded(look_up_16(load_bytes(table), low), look_up_16(load_bytes(table + BYTES), high));
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
      byte_vec both = look_up_codes(tables, low, high);
      both = add_bounded(both, look_up_codes(tables + 2 * BYTES, second_low, second_high));
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

// Sums rows that screening left over, the last of them, as many as are summed side by side.
__attribute__((noinline)) static void sum_near(const scan_tables_arguments *a, asked *query) {
  const uint8_t *codes[ROWS_ABREAST];
  float sums[ROWS_ABREAST];
  uint32_t count = min_u32(query->near_count, ROWS_ABREAST);
  if (count == 0) return;
  const uint32_t *near = query->near + (query->near_count -= count);
  for (uint32_t i = 0; i < ROWS_ABREAST; i++) {
    uint32_t row = near[i < count ? i : 0];
    codes[i] = block_at(a, row / BLOCK_ROWS) + row % BLOCK_ROWS;
  }
  sum_rows(a, query->tables, codes, sums);
  for (uint32_t i = 0; i < count; i++) offer_sum(a, query, near[i], sums[i]);
  if (query->found.last != query->seen) renew_limits(query);
}

// Rows in their order out of even and odd ones.
#if PART_ROWS == 32
#define LOWER_ROWS(even, odd) __builtin_shufflevector(even, odd, LOWER_PAIRS_16)
#define UPPER_ROWS(even, odd) __builtin_shufflevector(even, odd, UPPER_PAIRS_16)
#else
#define LOWER_ROWS(even, odd) __builtin_shufflevector(even, odd, LOWER_PAIRS_8)
#define UPPER_ROWS(even, odd) __builtin_shufflevector(even, odd, UPPER_PAIRS_8)
#endif

// One bit for each row of a part whose distance may be near enough, by bounds that its scale and offset enter.
__attribute__((noinline)) static uint32_t near_scaled(const scan_tables_arguments *a, const asked *query, uint32_t row,
                                                      const int16_t *sums) {
  typedef int16_t lane_sums __attribute__((vector_size(2 * LANES), aligned(2)));
  vec middle = splat((float)(query->least + query->width / 2)), step = splat((float)query->step);
  vec half = splat((float)((query->width / 2 + query->slack) * 1.001)), farthest = splat(query->farthest);
  uint32_t near = 0;
  for (uint32_t i = 0; i < PART_ROWS; i += LANES) {
    vec scale = splat(1), offset = splat(0);
    if (row + i + LANES <= a->rows) {
      if (a->scales) scale = load(a->scales + row + i);
      if (a->offsets) offset = load(a->offsets + row + i);
    } else {
      for (uint32_t j = 0; row + i + j < a->rows; j++) {
        if (a->scales) scale[j] = a->scales[row + i + j];
        if (a->offsets) offset[j] = a->offsets[row + i + j];
      }
    }
    vec sum = __builtin_convertvector(__builtin_convertvector(*(const lane_sums *)(sums + i), ivec), vec);
    vec size = select(scale < 0, -scale, scale), far = select(offset < 0, -offset, offset);
    vec bound = scale * (middle + step * sum) - size * half + (offset - splat(0x1p-20f) * far);
    near |= bits_of(~(bound > farthest)) << i;
  }
  return near;
}

// Keeps the rows that their bounds do not rule out for exact sums. `row` is the first of the part.
INLINE void take_near(const scan_tables_arguments *a, asked *query, uint32_t row, uint32_t end, part_sums sums) {
  row_sums ordered[2] = {LOWER_ROWS(sums.even, sums.odd), UPPER_ROWS(sums.even, sums.odd)};
  uint32_t near;
  if (a->scales || a->offsets) {
    int16_t in_memory[PART_ROWS];
    __builtin_memcpy(in_memory, ordered, sizeof ordered);
    near = near_scaled(a, query, row, in_memory);
  } else {
    int16_t limit = (int16_t)query->limit;
    near = bits_of_sums(ordered[0] <= limit) | bits_of_sums(ordered[1] <= limit) << PART_ROWS / 2;
  }
  if (end < row + PART_ROWS) near &= end <= row ? 0 : (1u << (end - row)) - 1;
  if (a->allowed) {
    uint32_t bits = 0;
    for (uint32_t i = 0; i < PART_ROWS / 8 && row + 8 * i < end; i++)
      bits |= (uint32_t)a->allowed[row / 8 + i] << 8 * i;
    near &= bits;
  }
  query->near_count += list_bits(near, row, query->near + query->near_count);
  while (query->near_count >= ROWS_ABREAST) sum_near(a, query);
}

#endif
