// The register tile: ROWS rows against one panel, all dimensions, in registers.
#pragma once

#include "kernels.h"

typedef struct {
  vec at[ROWS][VECTORS];
} tile;

// Adds Σ over p of x[p][row] · panel[p][lane] to the first `rows` rows, in the order of p for every row and lane alike.
// `rows` is known where this is compiled.
//
// x: [inner, ROWS]; panel: [inner, PANEL]
INLINE void accumulate(tile *sum, int rows, const float *x, const float *panel, uint32_t inner) {
  // Unrolling costs more in spilled registers than it saves in counting.
#pragma clang loop unroll(disable)
  for (uint32_t p = 0; p < inner; p++) {
    vec c[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) c[v] = load(panel + p * PANEL + v * LANES);
    UNROLL for (int r = 0; r < rows; r++) {
      vec value = splat(x[p * ROWS + r]);
      UNROLL for (int v = 0; v < VECTORS; v++) sum->at[r][v] = madd(value, c[v], sum->at[r][v]);
    }
  }
}

// start + Σ over p of x[p][row] · panel[p][lane], summed in the order of p for every row and lane alike.
//
// x: [inner, ROWS]; panel: [inner, PANEL]; start: [PANEL]
INLINE tile multiply(const float *x, const float *panel, const float *start, uint32_t inner) {
  tile sum;
  UNROLL for (int v = 0; v < VECTORS; v++) {
    vec first = load(start + v * LANES);
    UNROLL for (int r = 0; r < ROWS; r++) sum.at[r][v] = first;
  }
  accumulate(&sum, ROWS, x, panel, inner);
  return sum;
}

// Packs LANES columns of ROWS rows, whose values lie side by side, as [LANES, ROWS].
INLINE void pack_square(const float *x, size_t row_stride, float *out) {
  UNROLL for (int first = 0; first < ROWS; first += LANES) {
    vec square[LANES];
    UNROLL for (int r = 0; r < LANES; r++)
      square[r] = first + r < ROWS ? load(x + (size_t)(first + r) * row_stride) : splat(0);
    transpose(square);
    if (ROWS - first >= LANES) {
      UNROLL for (int p = 0; p < LANES; p++) store(out + p * ROWS + first, square[p]);
    } else {
      UNROLL for (int p = 0; p < LANES; p++) store_first(out + p * ROWS + first, square[p], ROWS - first);
    }
  }
}

// Packs `rows` (up to ROW_BLOCK) rows of length `inner` into tiles [inner, ROWS], the last filled up with zeros.
// Value p of row r is x[r · row_stride + p · stride].
INLINE void pack_rows(const float *x, uint32_t rows, uint32_t inner, size_t row_stride, size_t stride, float *out) {
  uint32_t first = 0;
  for (; first + ROWS <= rows; first += ROWS, out += (size_t)inner * ROWS) {
    const float *from = x + first * row_stride;
    uint32_t p = 0;
    if (stride == 1) {
      for (; p + LANES <= inner; p += LANES) pack_square(from + p, row_stride, out + p * ROWS);
    }
    if (row_stride == 1) {
      for (; p < inner; p++) __builtin_memcpy(out + p * ROWS, from + p * stride, 4 * ROWS);
    }
    for (; p < inner; p++) {
      UNROLL for (uint32_t r = 0; r < ROWS; r++) out[p * ROWS + r] = from[r * row_stride + p * stride];
    }
  }
  if (first == rows) return;
  for (uint32_t r = 0; r < ROWS; r++) {
    const float *from = x + (first + r) * row_stride;
    for (uint32_t p = 0; p < inner; p++) out[p * ROWS + r] = first + r < rows ? from[p * stride] : 0;
  }
}
