// What the scan of codes by look-up tables and its screening have in common.
#pragma once

#include "bytes.h"
#include "neighbours.h"

typedef struct {
  const float *tables;          // [query_count, groups, codewords]
  const uint8_t *blocks;        // [ceil(rows / 32), bytes, 32]
  const float *scales;          // [rows], or 0: 1 each
  const float *offsets;         // [rows], or 0: 0 each
  const uint8_t *allowed;       // a bit for each row, or 0: all
  const int32_t *starts;        // [query_count, probes], or 0: all rows
  const int32_t *ends;          // [query_count, probes]
  const float *biases;          // [query_count, probes]
  const int32_t *found_indices; // [query_count, count], or 0
  const float *found_distances; // [query_count, count], or 0
  uint64_t *lists;              // [parts, query_count, size]
  uint32_t query_count, groups, codewords, rows, count, first_index, probes;
  uint32_t screened; // 1: bounds from byte tables come first
  uint32_t size;     // keys of a list
  uint32_t block;    // queries of an item
  uint32_t share;    // rows of an item, a multiple of 32
} scan_tables_arguments;

// Rows of a block.
#define BLOCK_ROWS 32
// Blocks that all queries of an item meet before the next.
#define BLOCKS_TOGETHER 32

// Rows that are summed side by side, so that one sum need not wait for another.
#define ROWS_ABREAST (LANES == 16 ? 16 : 8)

// A query of an item.
typedef struct {
  neighbours found;
  const float *tables; // [groups, codewords]
  uint8_t *byte_tables;
  // What an exact sum is at least, by the sum of its bytes: least + step · sum − slack, and at most width more.
  double least, step, slack, width;
  uint64_t seen; // `found.last` that the limits were computed for
  float bias, farthest;
  int32_t limit;
  uint32_t near_count, near[ROWS_ABREAST + BLOCK_ROWS]; // rows that screening left over
} asked;
// What `launch-scan-tables.ts` sets aside for one.
#define ASKED_BYTES 320
_Static_assert(sizeof(asked) <= ASKED_BYTES, "a query takes more scratch than it gets");

INLINE uint32_t code_bytes(const scan_tables_arguments *a) {
  return a->codewords == 16 ? ceil_div(a->groups, 2) : a->groups;
}

INLINE const uint8_t *block_at(const scan_tables_arguments *a, uint32_t block) {
  return a->blocks + (size_t)block * code_bytes(a) * BLOCK_ROWS;
}

// Sums of eight rows in the order of the groups. `codes` are those of each row's block, from its lane on.
INLINE void sum_8(const scan_tables_arguments *a, const float *table, const uint8_t *const codes[8], float sums[8]) {
  float sum[8] = {0};
  size_t at = 0;
  uint32_t m = 0;
  if (a->codewords == 256) {
    for (; m < a->groups; m++, table += 256, at += BLOCK_ROWS) {
      UNROLL for (int i = 0; i < 8; i++) sum[i] += table[codes[i][at]];
    }
  } else {
    for (; m + 2 <= a->groups; m += 2, table += 32, at += BLOCK_ROWS) {
      UNROLL for (int i = 0; i < 8; i++) {
        sum[i] += table[codes[i][at] & 15];
        sum[i] += table[16 + (codes[i][at] >> 4)];
      }
    }
    for (int i = 0; m < a->groups && i < 8; i++) sum[i] += table[codes[i][at] & 15];
  }
  UNROLL for (int i = 0; i < 8; i++) sums[i] = sum[i];
}

#if LOOKS_UP_FLOATS
// The same of a vector of rows, for codes of 4 bits.
INLINE vec sum_lanes(const float *table, uint32_t groups, const uint8_t *const codes[LANES]) {
  typedef uint8_t lane_bytes __attribute__((vector_size(LANES)));
  vec sum = {0};
  size_t at = 0;
  for (uint32_t m = 0; m < groups; m += 2, table += 32, at += BLOCK_ROWS) {
    lane_bytes bytes;
    UNROLL for (int i = 0; i < LANES; i++) bytes[i] = codes[i][at];
    ivec index = __builtin_convertvector(bytes, ivec);
    sum += look_up_floats(table, index);
    if (m + 1 < groups) sum += look_up_floats(table + 16, index >> 4);
  }
  return sum;
}
#endif

__attribute__((noinline)) static void sum_rows(const scan_tables_arguments *a, const float *table,
                                               const uint8_t *const codes[ROWS_ABREAST], float sums[ROWS_ABREAST]) {
#if LOOKS_UP_FLOATS
  if (a->codewords == 16) {
    store(sums, sum_lanes(table, a->groups, codes));
    return;
  }
#endif
  for (uint32_t i = 0; i < ROWS_ABREAST; i += 8) sum_8(a, table, codes + i, sums + i);
}

// The distance of a row whose sum is known, each step rounded.
INLINE void offer_sum(const scan_tables_arguments *a, asked *query, uint32_t row, float sum) {
  if (a->scales) sum = a->scales[row] * sum;
  if (a->offsets) sum = sum + a->offsets[row];
  if (a->starts) sum = sum + query->bias;
  offer_row(&query->found, sum, a->first_index + row);
}
