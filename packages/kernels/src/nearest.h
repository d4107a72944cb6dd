// What finding one nearest codeword and finding several have in common.
#pragma once

#include "tile.h"

typedef struct {
  const float *x;         // [rows, groups · dimension]
  const float *codebooks; // [groups, codewords, dimension]
  const float *panels;    // as pack_codebooks makes them
  int32_t *codes;         // [rows, groups, count]
  float *distances;       // [rows, groups, count]
  uint32_t groups, codewords, dimension;
  uint32_t inner_product; // 0: squared L2
  uint32_t count;         // codewords to find for each row
  uint32_t screened;      // 1: the panels are followed by those for screening
} nearest_arguments;

SHARED uint32_t assign(const nearest_arguments *a, uint32_t begin, uint32_t end, char *scratch);

// Σ(x − c)², or −x·c; computed directly, as expanding the square would cancel.
INLINE float distance(const float *x, const float *c, uint32_t d, uint32_t inner_product) {
  vec sums = {0};
  uint32_t i = 0;
  float sum = 0;
  if (inner_product) {
    for (; i + LANES <= d; i += LANES) sums = madd(load(x + i), load(c + i), sums);
    for (; i < d; i++) sum += x[i] * c[i];
  } else {
    for (; i + LANES <= d; i += LANES) {
      vec difference = load(x + i) - load(c + i);
      sums = madd(difference, difference, sums);
    }
    for (; i < d; i++) sum += (x[i] - c[i]) * (x[i] - c[i]);
  }
  sum += sum_of(sums);
  // 0 − sum, so that a product of zero is not −0.
  return inner_product ? 0 - sum : sum;
}

// The lowest codeword among the lanes with the highest score; lanes of vector v hold codewords of panel[v].
INLINE uint32_t winner(const vec score[VECTORS], const ivec panel[VECTORS]) {
  ivec lanes;
  UNROLL for (int lane = 0; lane < LANES; lane++) lanes[lane] = lane;
  vec best = score[0];
  ivec code = panel[0] * PANEL + lanes;
  UNROLL for (int v = 1; v < VECTORS; v++) {
    ivec candidate = panel[v] * PANEL + (lanes + v * LANES);
    ivec better = (score[v] > best) | ((score[v] == best) & (candidate < code));
    best = select(better, score[v], best);
    code = selecti(better, candidate, code);
  }
  return (uint32_t)lowest_of(selecti(best == splat(largest_of(best)), code, splati(0x7fffffff)));
}

// The first of `rows` packed rows that is not finite or whose squared norm overflows, or NO_FAULT.
INLINE uint32_t faulty_row(const float *packed, uint32_t rows, uint32_t d) {
  size_t size = (size_t)ceil_div(rows, ROWS) * ROWS * d;
  // Hardly any data come near overflow: if the squares of all rows together do not, there is no more to see.
  vec squares = {0};
  size_t i = 0;
  for (; i + LANES <= size; i += LANES) squares = madd(load(packed + i), load(packed + i), squares);
  for (; i < size; i++) squares[0] += packed[i] * packed[i];
  if (!any(~(squares < splat(0x1p100f)))) return NO_FAULT;
  for (uint32_t row = 0; row < rows; row++) {
    const float *x = packed + (size_t)(row / ROWS) * ROWS * d + row % ROWS;
    double norm = 0;
    for (uint32_t i = 0; i < d; i++) norm += (double)x[i * ROWS] * x[i * ROWS];
    if (!is_finite((float)norm)) return row;
  }
  return NO_FAULT;
}

INLINE uint32_t panels_per_block(uint32_t d) {
  uint32_t panels = PANEL_BYTES / (4 * PANEL * (d + 1));
  return panels ? panels : 1;
}
