// The rows nearest to queries: exact search.
//
// Queries are packed in panels, and each tile of rows meets them as in a matrix product. The product and the norms bound
// the distance from below, and where that is near enough it is computed directly; so the result is that of the direct
// distances, whatever the product rounds to. With m, about the mean of the rows, which keeps norms small,
//
//   ‖q − x‖² = ‖q − m‖² + ‖x − m‖² + 2 (q − m)·m − 2 (q − m)·x
//
// A few queries do not pay for the packing and compute every distance directly.
#include "nearest.h"
#include "neighbours.h"

typedef struct {
  const float *queries;         // [query_count, dimension], finite
  const float *rows;            // [row_count, dimension]
  const float *scales;          // [row_count], or 0: 1 each
  const float *offsets;         // [row_count], or 0: 0 each
  const uint8_t *allowed;       // a bit for each row, or 0: all
  const int32_t *found_indices; // [query_count, count], or 0
  const float *found_distances; // [query_count, count], or 0
  uint64_t *lists;              // [parts, query_count, size]
  uint32_t query_count, row_count, dimension, count, first_index;
  uint32_t inner_product; // 0: squared L2
  uint32_t size;          // keys of a list
  uint32_t block;         // queries of an item
  uint32_t share;         // rows of an item
} scan_rows_arguments;

// Queries that are too few to pack rows for.
#define ROWS_FEW 4
// Values of the rows that they meet at once.
#define FEW_VALUES 4096
// Norms whose squares might overflow when they are added up.
#define VERY_LONG 0x1p60f

// What an item needs to screen rows, all in scratch.
typedef struct {
  neighbours *lists;      // [block]
  float *panels;          // [block / PANEL, dimension, PANEL]: −2 (q − m), or −q under inner product
  float *added;           // [block]: ‖q − m‖² + 2 (q − m)·m, or 0
  float *lengths;         // [block]: ‖q − m‖, or ‖q‖
  float *limits;          // [block]: bounds up to it are near enough
  float *zeros;           // [PANEL]
  float *centre;          // [dimension]: m
  float *scale;           // [ROW_BLOCK] of each row: what its product is multiplied by,
  float *least;           // [ROW_BLOCK] what is added to that,
  float *spread;          // [ROW_BLOCK] and what goes off for rounding, times the query's length
  float *packed;          // [ROW_BLOCK, dimension]
  float longest, centre_norm;
} row_screen;

INLINE float squared_norm(const float *x, const float *centre, uint32_t d) {
  return centre ? distance(x, centre, d, 0) : 0 - distance(x, x, d, 1);
}

// The distance of a row, each step rounded.
INLINE void offer_distance(const scan_rows_arguments *a, neighbours *n, const float *query, uint32_t row) {
  float value = distance(query, a->rows + (size_t)row * a->dimension, a->dimension, a->inner_product);
  if (a->scales) value = a->scales[row] * value;
  if (a->offsets) value = value + a->offsets[row];
  offer_row(n, value, a->first_index + row);
}

// The first of some rows that is not finite or whose squared norm overflows, or NO_FAULT.
INLINE uint32_t first_faulty(const float *x, uint32_t rows, uint32_t d) {
  size_t size = (size_t)rows * d, i = 0;
  // Hardly any data come near overflow: if the squares of all rows together do not, there is no more to see.
  vec squares = {0}, others = {0};
  for (; i + 2 * LANES <= size; i += 2 * LANES) {
    squares = madd(load(x + i), load(x + i), squares);
    others = madd(load(x + i + LANES), load(x + i + LANES), others);
  }
  squares += others;
  for (; i < size; i++) squares[0] += x[i] * x[i];
  if (!any(~(squares < splat(0x1p100f)))) return NO_FAULT;
  for (uint32_t row = 0; row < rows; row++) {
    double norm = 0;
    for (uint32_t j = 0; j < d; j++) norm += (double)x[(size_t)row * d + j] * x[(size_t)row * d + j];
    if (!is_finite((float)norm)) return row;
  }
  return NO_FAULT;
}

// A few queries against some rows.
__attribute__((noinline)) static void meet_few(const scan_rows_arguments *a, const scan_item *item, neighbours *lists,
                                               uint32_t begin, uint32_t end) {
  float limits[ROWS_FEW];
  for (uint32_t q = 0; q < item->queries; q++) limits[q] = key_distance(lists[q].last);
  for (uint32_t row = begin; row < end; row++) {
    if (!is_allowed(a->allowed, row)) continue;
    const float *x = a->rows + (size_t)row * a->dimension, *query = a->queries + (size_t)item->first * a->dimension;
    for (uint32_t q = 0; q < item->queries; q++, query += a->dimension) {
      float value = distance(query, x, a->dimension, a->inner_product);
      if (a->scales) value = a->scales[row] * value;
      if (a->offsets) value = value + a->offsets[row];
      if (value > limits[q]) continue;
      offer_row(lists + q, value, a->first_index + row);
      limits[q] = key_distance(lists[q].last);
    }
  }
}

INLINE void renew_limit(row_screen *s, uint32_t query) {
  float last = key_distance(s->lists[query].last), size = last < 0 ? -last : last;
  s->limits[query] = s->lengths[query] < VERY_LONG ? last + size * 0x1p-20f : __builtin_inff();
}

// Packs the queries of an item. Any centre will do, as bounds hold for all.
INLINE void prepare_queries(const scan_rows_arguments *a, const scan_item *item, row_screen *s) {
  uint32_t d = a->dimension, padded = ceil_div(item->queries, PANEL) * PANEL;
  uint32_t step = ceil_div(item->end - item->begin, 64);
  for (uint32_t i = 0; i < d; i++) s->centre[i] = 0;
  if (!a->inner_product) {
    for (uint32_t row = item->begin; row < item->end; row += step) {
      for (uint32_t i = 0; i < d; i++) {
        float value = a->rows[(size_t)row * d + i];
        s->centre[i] += value > -VERY_LONG && value < VERY_LONG ? value * (1.f / 64) : 0;
      }
    }
  }
  s->centre_norm = __builtin_elementwise_sqrt(squared_norm(s->centre, 0, d));
  s->longest = 0;
  for (uint32_t i = 0; i < PANEL; i++) s->zeros[i] = 0;
  for (uint32_t q = 0; q < padded; q++) {
    float *panel = s->panels + (size_t)(q / PANEL) * PANEL * d + q % PANEL;
    const float *query = a->queries + (size_t)(item->first + q) * d;
    double along = 0, norm = 0;
    for (uint32_t i = 0; i < d; i++) {
      float moved = q < item->queries ? query[i] - s->centre[i] : 0;
      along += (double)moved * s->centre[i];
      norm += (double)moved * moved;
      panel[(size_t)i * PANEL] = a->inner_product ? -moved : -2 * moved;
    }
    s->lengths[q] = __builtin_elementwise_sqrt((float)norm) * 1.001f;
    s->added[q] = a->inner_product ? 0 : (float)(norm + 2 * along);
    s->limits[q] = -__builtin_inff();
    if (q >= item->queries) continue;
    renew_limit(s, q);
    if (s->lengths[q] > s->longest) s->longest = s->lengths[q];
  }
}

// Packs rows from `row` on, and what bounds need to know of each.
INLINE void prepare_rows(const scan_rows_arguments *a, row_screen *s, uint32_t row, uint32_t rows) {
  uint32_t d = a->dimension;
  const float *x = a->rows + (size_t)row * d;
  pack_rows(x, rows, d, d, 1, s->packed);
  float rounding = (float)(d + 32) * 0x1p-22f;
  for (uint32_t r = 0; r < ceil_div(rows, ROWS) * ROWS; r++) {
    float scale = 1, offset = 0, norm = 0, squared = 0;
    if (r < rows) {
      if (a->scales) scale = a->scales[row + r];
      if (a->offsets) offset = a->offsets[row + r];
      norm = __builtin_elementwise_sqrt(squared_norm(x + (size_t)r * d, 0, d));
      if (!a->inner_product) squared = squared_norm(x + (size_t)r * d, s->centre, d);
    }
    float size = scale < 0 ? -scale : scale, far = offset < 0 ? -offset : offset;
    s->scale[r] = scale;
    s->least[r] = scale * squared + offset - 0x1p-20f * far - size * rounding * squared - (1 + size) * 0x1p-120f;
    s->spread[r] = size * rounding * (norm + s->centre_norm + (a->inner_product ? 0 : s->longest));
    // NaN and −∞ rule nothing out.
    if (!(norm < VERY_LONG)) s->least[r] = -__builtin_inff();
  }
}

// Bounds of a tile's row against a vector of queries are near enough.
INLINE ivec near_enough(const row_screen *s, uint32_t r, uint32_t query, vec product) {
  vec moved = splat(s->least[r]) - splat(s->spread[r]) * load(s->lengths + query);
  vec bound = madd(splat(s->scale[r]), product + load(s->added + query), moved);
  return ~(bound > load(s->limits + query));
}

// A tile of rows against a panel of queries. `row` is the tile's first, `r` its place among those packed.
INLINE void meet_tile(const scan_rows_arguments *a, const scan_item *item, row_screen *s, uint32_t row, uint32_t r,
                      uint32_t rows, uint32_t panel) {
  uint32_t d = a->dimension;
  tile product = multiply(s->packed + (size_t)r * d, s->panels + (size_t)panel * PANEL * d, s->zeros, d);
  ivec near = {0};
  UNROLL for (int i = 0; i < ROWS; i++) {
    UNROLL for (int v = 0; v < VECTORS; v++)
      near |= near_enough(s, r + i, panel * PANEL + v * LANES, product.at[i][v]);
  }
  if (!any(near)) return;
  for (uint32_t i = 0; i < ROWS && r + i < rows; i++) {
    if (!is_allowed(a->allowed, row + i)) continue;
    for (uint32_t v = 0; v < VECTORS; v++) {
      uint32_t first = panel * PANEL + v * LANES;
      for (uint32_t left = bits_of(near_enough(s, r + i, first, product.at[i][v])); left; left &= left - 1) {
        uint32_t query = first + (uint32_t)__builtin_ctz(left);
        if (query >= item->queries) break;
        uint64_t last = s->lists[query].last;
        offer_distance(a, s->lists + query, a->queries + (size_t)(item->first + query) * d, row + i);
        if (s->lists[query].last != last) renew_limit(s, query);
      }
    }
  }
}

// Items: blocks of queries, each with every share of the rows. Fault: the row.
// Scratch: block · 64 + 4 · (block · (dimension + 3) + PANEL + (ROW_BLOCK + 1) · dimension + 3 · ROW_BLOCK)
// bytes, the block being rounded up to whole panels.
EXPORT(scanRows)
uint32_t scan_rows(const scan_rows_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t fault = NO_FAULT, d = a->dimension, count = a->count, padded = ceil_div(a->block, PANEL) * PANEL;
  row_screen s = {.lists = (neighbours *)scratch};
  s.panels = (float *)(scratch + (size_t)64 * padded);
  s.packed = s.panels + (size_t)padded * d;
  s.added = s.packed + (size_t)ROW_BLOCK * d;
  s.lengths = s.added + padded;
  s.limits = s.lengths + padded;
  s.zeros = s.limits + padded;
  s.scale = s.zeros + PANEL;
  s.least = s.scale + ROW_BLOCK;
  s.spread = s.least + ROW_BLOCK;
  s.centre = s.spread + ROW_BLOCK;
  for (uint32_t i = begin; i < end; i++) {
    scan_item item = item_of(i, a->query_count, a->block, a->row_count, a->share);
    for (uint32_t q = 0; q < item.queries; q++) {
      size_t at = (size_t)(item.first + q) * count;
      s.lists[q] = open_neighbours(a->lists + ((size_t)item.part * a->query_count + item.first + q) * a->size, a->size,
                                   count, a->found_indices ? a->found_indices + at : 0, a->found_distances + at);
    }
    int few = item.queries <= ROWS_FEW;
    if (!few) prepare_queries(a, &item, &s);
    uint32_t panels = ceil_div(item.queries, PANEL), step = panels_per_block(d);
    // What is checked should still be in the nearest cache when it is met.
    uint32_t together = few ? ceil_div(FEW_VALUES, d + 1) : ROW_BLOCK;
    for (uint32_t row = item.begin; row < item.end; row += together) {
      uint32_t rows = min_u32(together, item.end - row);
      uint32_t faulty = first_faulty(a->rows + (size_t)row * d, rows, d);
      if (faulty != NO_FAULT) fault = min_u32(fault, row + faulty);
      if (few) {
        meet_few(a, &item, s.lists, row, row + rows);
        continue;
      }
      prepare_rows(a, &s, row, rows);
      for (uint32_t first = 0; first < panels; first += step) {
        for (uint32_t r = 0; r < rows; r += ROWS) {
          for (uint32_t p = first; p < min_u32(panels, first + step); p++)
            meet_tile(a, &item, &s, row + r, r, rows, p);
        }
      }
    }
    for (uint32_t q = 0; q < item.queries; q++) close_neighbours(s.lists + q);
  }
  return fault;
}

typedef struct {
  const float *x; // [rows, dimension]
  uint32_t dimension;
} check_rows_arguments;

// Items: rows. Fault: one that is not finite or whose squared norm overflows.
EXPORT(checkRows)
uint32_t check_rows(const check_rows_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t faulty = first_faulty(a->x + (size_t)begin * a->dimension, end - begin, a->dimension);
  return faulty == NO_FAULT ? NO_FAULT : begin + faulty;
}
