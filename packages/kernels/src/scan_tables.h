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
  uint64_t *lists;              // [parts, query_count, count]
  uint32_t query_count, groups, codewords, rows, count, first_index, probes;
  uint32_t screened; // 1: bounds from byte tables come first
  uint32_t block;    // queries of an item
  uint32_t share;    // rows of an item, a multiple of 32
} scan_tables_arguments;

// Rows of a block.
#define BLOCK_ROWS 32
// Blocks that all queries of an item meet before the next.
#define BLOCKS_TOGETHER 64

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
} asked;

INLINE uint32_t code_bytes(const scan_tables_arguments *a) {
  return a->codewords == 16 ? ceil_div(a->groups, 2) : a->groups;
}

INLINE const uint8_t *block_at(const scan_tables_arguments *a, uint32_t block) {
  return a->blocks + (size_t)block * code_bytes(a) * BLOCK_ROWS;
}

// The sum of one row, in the order of the groups. `codes` are those of the row's block, from its lane on.
INLINE float sum_row(const scan_tables_arguments *a, const float *tables, const uint8_t *codes) {
  float sum = 0;
  if (a->codewords == 256) {
    for (uint32_t m = 0; m < a->groups; m++, tables += 256, codes += BLOCK_ROWS) sum += tables[*codes];
    return sum;
  }
  uint32_t m = 0;
  for (; m + 2 <= a->groups; m += 2, tables += 32, codes += BLOCK_ROWS) {
    sum += tables[*codes & 15];
    sum += tables[16 + (*codes >> 4)];
  }
  return m < a->groups ? sum + tables[*codes & 15] : sum;
}

// The distance of a row whose sum is known, each step rounded.
INLINE void offer_sum(const scan_tables_arguments *a, asked *query, uint32_t row, float sum) {
  if (a->scales) sum = a->scales[row] * sum;
  if (a->offsets) sum = sum + a->offsets[row];
  if (a->starts) sum = sum + query->bias;
  offer_row(&query->found, sum, a->first_index + row);
}
