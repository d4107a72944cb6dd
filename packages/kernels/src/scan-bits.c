// The rows whose bits differ from a query's in the fewest places.
//
// Rows are packed so that a vector holds one word of as many rows as it has lanes, and then meet all queries of an item.
// A few queries do not pay for that and read the rows as they lie.
#include "neighbours.h"

typedef struct {
  const uint8_t *queries;       // [query_count, bytes]
  const uint8_t *codes;         // [rows, bytes]
  const uint8_t *allowed;       // a bit for each row, or 0: all
  const int32_t *found_indices; // [query_count, count], or 0
  const float *found_distances; // [query_count, count], or 0
  uint64_t *lists;              // [parts, query_count, size]
  uint32_t query_count, rows, bytes, count, first_index;
  uint32_t size;     // keys of a list
  uint32_t block;    // queries of an item
  uint32_t share;    // rows of an item, a multiple of 64
  uint32_t together; // rows that are packed at once, a multiple of 64
} scan_bits_arguments;

// Vectors of rows that meet a query side by side.
#define BITS_TOGETHER 4
// Queries that are too few to pack rows for.
#define BITS_FEW 3

INLINE uint32_t word_at(const uint8_t *from, uint32_t left) {
  uint32_t word = 0;
  if (left >= 4) __builtin_memcpy(&word, from, 4);
  else
    for (uint32_t i = 0; i < left; i++) word |= (uint32_t)from[i] << 8 * i;
  return word;
}

INLINE uint64_t long_at(const uint8_t *from) {
  uint64_t word;
  __builtin_memcpy(&word, from, 8);
  return word;
}

// In how many bits two codes differ, `words` · 8 of their bytes being whole words.
INLINE uint32_t differing_bits(const uint8_t *a, const uint8_t *b, uint32_t bytes, uint32_t words, int rest) {
  uint32_t count = 0, w = 0;
#if defined(__AVX512VPOPCNTDQ__)
  ivec counts = {0};
  for (; 2 * w + LANES <= 2 * words; w += LANES / 2)
    counts += __builtin_elementwise_popcount(loadi((const int32_t *)(a + 8 * w)) ^ loadi((const int32_t *)(b + 8 * w)));
  if (w > 0) count = (uint32_t)TO_1(counts, PLUS);
#endif
  for (; w < words; w++) count += (uint32_t)__builtin_popcountll(long_at(a + 8 * w) ^ long_at(b + 8 * w));
  if (!rest) return count;
  // The last word of a code takes in some bytes of the one before, which are left out.
  if (words > 0)
    return count + (uint32_t)__builtin_popcountll((long_at(a + bytes - 8) ^ long_at(b + bytes - 8)) >>
                                                  (64 - bytes % 8 * 8));
  for (uint32_t i = 0; i < bytes; i++) count += (uint32_t)__builtin_popcount(a[i] ^ b[i]);
  return count;
}

// The most bits that a row from `index` on may differ in.
INLINE int32_t bits_limit(const neighbours *n, uint32_t index) {
  float last = key_distance(n->last);
  if (!(last < 0x1p30f)) return 0x7fffffff;
  if (last < 0) return -1;
  int32_t limit = (int32_t)last;
  // As many as the last of the nearest are too many for a row after it. Earlier finds may have fractions.
  return (float)limit == last && index > key_index(n->last) ? limit - 1 : limit;
}

// A query against the rows as they lie. `words` and `rest` are known where this is compiled, for the common widths.
INLINE void scan_unpacked(const scan_bits_arguments *a, const scan_item *item, const uint8_t *query, neighbours *n,
                          uint32_t words, int rest) {
  int32_t limit = bits_limit(n, a->first_index + item->begin);
  uint32_t bytes = rest || words > 2 ? a->bytes : 8 * words, end = item->end;
  const uint8_t *codes = a->codes + (size_t)item->begin * bytes;
  for (uint32_t row = item->begin; row < end; row++, codes += bytes) {
    int32_t bits = (int32_t)differing_bits(query, codes, bytes, words, rest);
    if (bits > limit || !is_allowed(a->allowed, row)) continue;
    offer_row(n, (float)bits, a->first_index + row);
    limit = bits_limit(n, a->first_index + row + 1);
  }
}

__attribute__((noinline)) static void scan_few(const scan_bits_arguments *a, const scan_item *item, neighbours *lists) {
  for (uint32_t q = 0; q < item->queries; q++) {
    const uint8_t *query = a->queries + (size_t)(item->first + q) * a->bytes;
    if (a->bytes == 8) scan_unpacked(a, item, query, lists + q, 1, 0);
    else if (a->bytes == 16) scan_unpacked(a, item, query, lists + q, 2, 0);
    else if (a->bytes / 8 == 1) scan_unpacked(a, item, query, lists + q, 1, 1);
    else scan_unpacked(a, item, query, lists + q, a->bytes / 8, a->bytes % 8 != 0);
  }
}

// Packs rows as [rows / LANES, words, LANES].
INLINE void pack_bits(const uint8_t *codes, uint32_t rows, uint32_t bytes, uint32_t words, int32_t *out) {
  for (uint32_t row = 0; row < rows; row++, codes += bytes) {
    int32_t *to = out + (size_t)(row / LANES) * words * LANES + row % LANES;
    uint32_t whole = bytes / 4, w = 0;
    for (; w < whole; w++) to[w * LANES] = (int32_t)word_at(codes + 4 * w, 4);
    if (w < words) to[w * LANES] = (int32_t)word_at(codes + 4 * w, bytes - 4 * w);
  }
}

// A query against packed rows, of which the first is `row`.
INLINE void meet_bits(const scan_bits_arguments *a, const int32_t *query, uint32_t words, const int32_t *packed,
                      uint32_t row, uint32_t end, neighbours *n) {
  int32_t limit = bits_limit(n, a->first_index + row);
  for (; row < end; row += BITS_TOGETHER * LANES, packed += (size_t)BITS_TOGETHER * words * LANES) {
    ivec bits[BITS_TOGETHER] = {0}, near = {0};
    for (uint32_t w = 0; w < words; w++) {
      ivec word = splati(query[w]);
      UNROLL for (int v = 0; v < BITS_TOGETHER; v++) {
        ivec differing = loadi(packed + ((size_t)v * words + w) * LANES) ^ word;
        bits[v] += __builtin_elementwise_popcount(differing);
      }
    }
    UNROLL for (int v = 0; v < BITS_TOGETHER; v++) near |= bits[v] <= limit;
    if (!any(near)) continue;
    for (uint32_t v = 0; v < BITS_TOGETHER; v++) {
      uint32_t first = row + v * LANES;
      for (uint32_t left = bits_of(bits[v] <= limit) & allowed_lanes(a->allowed, first, end); left; left &= left - 1) {
        uint32_t lane = (uint32_t)__builtin_ctz(left);
        offer_row(n, (float)bits[v][lane], a->first_index + first + lane);
      }
    }
    limit = bits_limit(n, a->first_index + row + BITS_TOGETHER * LANES);
  }
}

// Items: blocks of queries, each with every share of the rows.
// Scratch: block · (64 + 4 · words) + 4 · words · together bytes, words being ceil(bytes / 4).
EXPORT(scanBits)
uint32_t scan_bits(const scan_bits_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t words = ceil_div(a->bytes, 4), count = a->count;
  neighbours *lists = (neighbours *)scratch;
  int32_t *packed = (int32_t *)(scratch + (size_t)64 * a->block);
  int32_t *queries = packed + (size_t)words * a->together;
  for (uint32_t i = begin; i < end; i++) {
    scan_item item = item_of(i, a->query_count, a->block, a->rows, a->share);
    for (uint32_t q = 0; q < item.queries; q++) {
      size_t at = (size_t)(item.first + q) * count;
      lists[q] = open_neighbours(a->lists + ((size_t)item.part * a->query_count + item.first + q) * a->size, a->size,
                                 count, a->found_indices ? a->found_indices + at : 0, a->found_distances + at);
      for (uint32_t w = 0; w < words; w++)
        queries[q * words + w] = (int32_t)word_at(a->queries + (size_t)(item.first + q) * a->bytes + 4 * w,
                                                  a->bytes - 4 * w);
    }
    if (item.queries <= BITS_FEW) scan_few(a, &item, lists);
    for (uint32_t row = item.begin; item.queries > BITS_FEW && row < item.end; row += a->together) {
      uint32_t stop = min_u32(item.end, row + a->together);
      pack_bits(a->codes + (size_t)row * a->bytes, stop - row, a->bytes, words, packed);
      for (uint32_t q = 0; q < item.queries; q++)
        meet_bits(a, queries + (size_t)q * words, words, packed, row, stop, lists + q);
    }
    for (uint32_t q = 0; q < item.queries; q++) close_neighbours(lists + q);
  }
  return NO_FAULT;
}
