// Packing: codebooks and matrices into panels of PANEL columns, dimension-major.
#include "screen.h"

typedef struct {
  const float *codebooks; // [groups, codewords, dimension]
  float *panels;          // [groups, ceil(codewords / PANEL), 1 + dimension, PANEL], then as many for screening
  uint32_t groups, codewords, dimension;
  uint32_t inner_product; // 0: squared L2
  uint32_t screened;      // 1: for screening too, see screen.h, where the target does that
} pack_codebooks_arguments;

// Each panel starts with what the register tile starts from, −½‖c‖² (0 under inner product), so that the largest
// x·c − ½‖c‖² is the nearest codeword. Lanes beyond the last codeword start at −∞ and never win.
//
// Items: panels. Fault: the codeword (counted over all groups) that is not finite or whose squared norm overflows.
// Scratch, where screened: 8 · (dimension + LANES) bytes.
EXPORT(packCodebooks)
uint32_t pack_codebooks(const pack_codebooks_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT;
  uint32_t d = a->dimension, panels = ceil_div(a->codewords, PANEL);
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / panels, first = item % panels * PANEL;
    float *panel = a->panels + (size_t)item * (1 + d) * PANEL;
    for (uint32_t lane = 0; lane < PANEL; lane++) {
      if (first + lane >= a->codewords) {
        panel[lane] = -__builtin_inff();
        for (uint32_t i = 1; i <= d; i++) panel[i * PANEL + lane] = 0;
        continue;
      }
      uint32_t codeword = group * a->codewords + first + lane;
      const float *c = a->codebooks + (size_t)codeword * d;
      double norm = 0;
      for (uint32_t i = 0; i < d; i++) {
        norm += (double)c[i] * c[i];
        panel[(1 + i) * PANEL + lane] = c[i];
      }
      if (!is_finite((float)norm)) fault = min_u32(fault, codeword);
      panel[lane] = a->inner_product ? 0 : (float)(-0.5 * norm);
    }
#if DOT
    if (a->screened) {
      int32_t *screen = (int32_t *)(a->panels + (size_t)a->groups * panels * (1 + d) * PANEL) + item * screen_words(d);
      float *centre = (float *)scratch;
      pack_screen(a->codebooks + (size_t)group * a->codewords * d, a->codewords, first, d, a->inner_product, screen,
                  centre, (whole *)(centre + ceil_div(d, LANES) * LANES));
    }
#endif
  }
  return fault;
}

typedef struct {
  const float *b; // [inner, columns], or its transpose
  float *panels;  // [ceil(columns / PANEL), inner, PANEL]
  uint32_t inner, columns;
  uint32_t transposed;
} pack_matrix_arguments;

// LANES rows of a panel from PANEL columns, whose values lie side by side.
INLINE void pack_columns(const float *b, size_t column_stride, float *panel) {
  UNROLL for (int v = 0; v < VECTORS; v++) {
    vec square[LANES];
    UNROLL for (int lane = 0; lane < LANES; lane++) square[lane] = load(b + (v * LANES + lane) * column_stride);
    transpose(square);
    UNROLL for (int i = 0; i < LANES; i++) store(panel + i * PANEL + v * LANES, square[i]);
  }
}

// Items: panels. Lanes beyond the last column are zero.
EXPORT(packMatrix)
uint32_t pack_matrix(const pack_matrix_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  size_t row = a->transposed ? 1 : a->columns, column = a->transposed ? a->inner : 1;
  for (uint32_t item = begin; item < end; item++) {
    float *panel = a->panels + (size_t)item * a->inner * PANEL;
    uint32_t first = item * PANEL, width = min_u32(PANEL, a->columns - first);
    if (width == PANEL && column == 1) {
      for (uint32_t i = 0; i < a->inner; i++) {
        UNROLL for (int v = 0; v < VECTORS; v++)
          store(panel + i * PANEL + v * LANES, load(a->b + i * row + first + v * LANES));
      }
      continue;
    }
    uint32_t i = 0;
    if (width == PANEL && row == 1) {
      for (; i + LANES <= a->inner; i += LANES) pack_columns(a->b + first * column + i, column, panel + i * PANEL);
    }
    for (; i < a->inner; i++) {
      for (uint32_t lane = 0; lane < PANEL; lane++)
        panel[i * PANEL + lane] = lane < width ? a->b[i * row + (first + lane) * column] : 0;
    }
  }
  return NO_FAULT;
}
