// The rows of codes nearest to queries by look-up tables.
#include "scan_tables.h"
#include "screen_tables.h"

// Sums every row.
__attribute__((noinline)) static void visit_plainly(const scan_tables_arguments *a, asked *query, uint32_t begin,
                                                    uint32_t end) {
  for (uint32_t row = begin; row < end; row += ROWS_ABREAST) {
    const uint8_t *from = block_at(a, row / BLOCK_ROWS) + row % BLOCK_ROWS, *codes[ROWS_ABREAST];
    for (uint32_t i = 0; i < ROWS_ABREAST; i++) codes[i] = from + i;
    float sums[ROWS_ABREAST];
    sum_rows(a, query->tables, codes, sums);
    for (uint32_t i = 0; i < ROWS_ABREAST && row + i < end; i++)
      if (is_allowed(a->allowed, row + i)) offer_sum(a, query, row + i, sums[i]);
  }
}

#if LOOKS_UP_256
// Pairs of blocks that are looked up in one table after another, while it lies in registers.
#define PAIRS 4

// Bounds for codes of 8 bits. Each vector holds one byte of the rows of two blocks.
INLINE void visit_by_256(const scan_tables_arguments *a, asked *query, uint32_t begin, uint32_t end) {
  uint32_t groups = a->groups, last = (end - 1) / BLOCK_ROWS;
  int scaled = a->scales || a->offsets;
  for (uint32_t row = begin; row < end; row += 2 * PAIRS * BLOCK_ROWS) {
    const uint8_t *from[PAIRS][2];
    UNROLL for (uint32_t p = 0; p < PAIRS; p++) {
      from[p][0] = block_at(a, min_u32(last, row / BLOCK_ROWS + 2 * p));
      from[p][1] = block_at(a, min_u32(last, row / BLOCK_ROWS + 2 * p + 1));
    }
    sum_vec even[PAIRS] = {0}, odd[PAIRS] = {0};
    const uint8_t *tables = query->byte_tables;
#pragma clang loop unroll(disable)
    for (uint32_t m = 0; m < groups; m += 2, tables += 512) {
      byte_vec bytes[PAIRS] = {0};
      // Two groups fit a byte.
      for (uint32_t second = 0; second < 2 && m + second < groups; second++) {
        byte_vec table[4];
        UNROLL for (int i = 0; i < 4; i++) table[i] = load_bytes(tables + second * 256 + i * BYTES);
        UNROLL for (int p = 0; p < PAIRS; p++) {
          byte_vec codes;
          __builtin_memcpy(&codes, from[p][0] + (size_t)(m + second) * BLOCK_ROWS, BLOCK_ROWS);
          __builtin_memcpy((char *)&codes + BLOCK_ROWS, from[p][1] + (size_t)(m + second) * BLOCK_ROWS, BLOCK_ROWS);
          bytes[p] = add_bounded(bytes[p], look_up_256(table, codes));
        }
      }
      UNROLL for (int p = 0; p < PAIRS; p++) add_bytes(bytes[p], even + p, odd + p);
    }
    UNROLL for (uint32_t p = 0; p < PAIRS; p++) {
      row_sums sums[2][2];
      even[p] -= odd[p] << 8;
      __builtin_memcpy(sums[0], even + p, sizeof(sum_vec));
      __builtin_memcpy(sums[1], odd + p, sizeof(sum_vec));
      for (uint32_t i = 0; i < 2; i++) {
        uint32_t first = row + (2 * p + i) * BLOCK_ROWS;
        row_sums near = __builtin_elementwise_min(sums[0][i], sums[1][i]) <= (int16_t)query->limit;
        if (first < end && (scaled || bits_of_sums(near)))
          take_near(a, query, first, end, (part_sums){sums[0][i], sums[1][i]});
      }
    }
  }
}
#endif

#if SHUFFLES
INLINE void visit_by_16(const scan_tables_arguments *a, asked *queries, int count, uint32_t begin, uint32_t end) {
  uint32_t bytes = code_bytes(a);
  int scaled = a->scales || a->offsets;
  for (uint32_t row = begin; row < end; row += BLOCK_ROWS) {
    const uint8_t *codes = block_at(a, row / BLOCK_ROWS);
    for (uint32_t part = 0; part < PARTS; part++) {
      part_sums sums[ASKED_TOGETHER];
      sum_codes(codes + part * PART_ROWS, bytes, queries, count, sums);
      // Most blocks hold nothing for any of the queries.
      row_sums near = {0};
      UNROLL for (int q = 0; q < count; q++)
        near |= __builtin_elementwise_min(sums[q].even, sums[q].odd) <= (int16_t)queries[q].limit;
      if (!scaled && !bits_of_sums(near)) continue;
      UNROLL for (int q = 0; q < count; q++) take_near(a, queries + q, row + part * PART_ROWS, end, sums[q]);
    }
  }
}
#endif

// Queries meet a stretch of rows, from a multiple of 32 on.
INLINE void visit(const scan_tables_arguments *a, asked *queries, uint32_t count, uint32_t begin, uint32_t end) {
  for (uint32_t row = begin; row < end; row += BLOCKS_TOGETHER * BLOCK_ROWS) {
    uint32_t stop = min_u32(end, row + BLOCKS_TOGETHER * BLOCK_ROWS), q = 0;
#if SHUFFLES
    if (a->screened && a->codewords == 16) {
      for (; q + ASKED_TOGETHER <= count; q += ASKED_TOGETHER) visit_by_16(a, queries + q, ASKED_TOGETHER, row, stop);
      for (; q < count; q++) visit_by_16(a, queries + q, 1, row, stop);
    }
#endif
#if LOOKS_UP_256
    for (; a->screened && q < count; q++) visit_by_256(a, queries + q, row, stop);
#endif
    for (; q < count; q++) visit_plainly(a, queries + q, row, stop);
  }
#if SHUFFLES
  for (uint32_t q = 0; q < count; q++) sum_near(a, queries + q);
#endif
}

// Items: blocks of queries, each with every share of the rows, or with its probes. Fault: a probe that is no stretch of
// the rows, which is not visited.
// Scratch: block · (ASKED_BYTES + those of `byte_tables`) bytes, none unless screened.
EXPORT(scanTables)
uint32_t scan_tables(const scan_tables_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t count = a->count, fault = NO_FAULT;
  size_t table_bytes = 0;
#if SHUFFLES
  if (a->screened) table_bytes = a->codewords == 256 ? (size_t)256 * a->groups : (size_t)2 * BYTES * table_steps(a);
#endif
  asked *queries = (asked *)scratch;
  uint8_t *byte_tables = (uint8_t *)(scratch + (size_t)ASKED_BYTES * a->block);
  for (uint32_t i = begin; i < end; i++) {
    scan_item item = item_of(i, a->query_count, a->block, a->rows, a->share);
    for (uint32_t q = 0; q < item.queries; q++) {
      asked *query = queries + q;
      size_t at = (size_t)(item.first + q) * count;
      query->tables = a->tables + (size_t)(item.first + q) * a->groups * a->codewords;
      query->byte_tables = byte_tables + q * table_bytes;
      query->bias = 0;
      query->near_count = 0;
      query->found =
          open_neighbours(a->lists + ((size_t)item.part * a->query_count + item.first + q) * a->size, a->size, count,
                          a->found_indices ? a->found_indices + at : 0, a->found_distances + at);
#if SHUFFLES
      if (!a->screened) continue;
      prepare_tables(a, query);
      renew_limits(query);
#endif
    }
    if (!a->starts) visit(a, queries, item.queries, item.begin, item.end);
    for (uint32_t q = 0; a->starts && q < item.queries; q++) {
      size_t first = (size_t)(item.first + q) * a->probes;
      for (size_t p = first; p < first + a->probes; p++) {
        int32_t start = a->starts[p], stop = a->ends[p];
        if (start < 0 || start % BLOCK_ROWS != 0 || stop < start || (uint32_t)stop > a->rows) {
          fault = min_u32(fault, (uint32_t)p);
          continue;
        }
        queries[q].bias = a->biases[p];
#if SHUFFLES
        if (a->screened) renew_limits(queries + q);
#endif
        visit(a, queries + q, 1, (uint32_t)start, (uint32_t)stop);
      }
    }
    for (uint32_t q = 0; q < item.queries; q++) close_neighbours(&queries[q].found);
  }
  return fault;
}
