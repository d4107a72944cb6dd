// The nearest codeword of each row: a matrix product whose n × k result is reduced in registers and never stored.
#include "nearest.h"
#include "screen_rows.h"
#include "small.h"

// The best of each lane so far, for the rows of a tile: score, and panel that it came from.
typedef struct {
  float score[ROWS][PANEL];
  int32_t panel[ROWS][PANEL];
} lane_best;

INLINE void meet_panels(const float *x, const float *panels, uint32_t first, uint32_t last, uint32_t d, lane_best *best) {
  vec score[ROWS][VECTORS];
  ivec from[ROWS][VECTORS];
  UNROLL for (int r = 0; r < ROWS; r++) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      score[r][v] = load(best->score[r] + v * LANES);
      from[r][v] = loadi(best->panel[r] + v * LANES);
    }
  }
  for (uint32_t p = first; p < last; p++) {
    const float *panel = panels + (size_t)p * (1 + d) * PANEL;
    tile sum = multiply(x, panel + PANEL, panel, d);
    ivec here = splati((int32_t)p);
    UNROLL for (int r = 0; r < ROWS; r++) {
      UNROLL for (int v = 0; v < VECTORS; v++) {
        // Strictly better: the lowest index of a lane keeps its place.
        ivec better = sum.at[r][v] > score[r][v];
        score[r][v] = select(better, sum.at[r][v], score[r][v]);
        from[r][v] = selecti(better, here, from[r][v]);
      }
    }
  }
  UNROLL for (int r = 0; r < ROWS; r++) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      store(best->score[r] + v * LANES, score[r][v]);
      storei(best->panel[r] + v * LANES, from[r][v]);
    }
  }
}

// The nearest codewords of up to ROW_BLOCK rows of a group; returns the first row at fault.
INLINE uint32_t nearest_of_all(const float *x, uint32_t rows, size_t stride, const float *panels, uint32_t codewords,
                               uint32_t d, char *scratch, uint32_t *codes) {
  uint32_t count = ceil_div(codewords, PANEL), step = panels_per_block(d), tiles = ceil_div(rows, ROWS);
  lane_best *best = (lane_best *)scratch;
  float *packed = (float *)(best + ROW_BLOCK / ROWS);
  pack_rows(x, rows, d, stride, 1, packed);
  uint32_t fault = faulty_row(packed, rows, d);
  for (uint32_t t = 0; t < tiles; t++) {
    for (uint32_t i = 0; i < ROWS * PANEL; i += LANES) {
      store(best[t].score[0] + i, splat(-__builtin_inff()));
      storei(best[t].panel[0] + i, splati(0));
    }
  }
  for (uint32_t first = 0; first < count; first += step) {
    uint32_t last = min_u32(count, first + step);
    for (uint32_t t = 0; t < tiles; t++) meet_panels(packed + (size_t)t * ROWS * d, panels, first, last, d, best + t);
  }
  for (uint32_t r = 0; r < rows; r++) {
    vec score[VECTORS];
    ivec from[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) {
      score[v] = load(best[r / ROWS].score[r % ROWS] + v * LANES);
      from[v] = loadi(best[r / ROWS].panel[r % ROWS] + v * LANES);
    }
    codes[r] = winner(score, from);
  }
  return fault;
}

// Items: rows. Fault: the row. Scratch: ROW_BLOCK · (4 · dimension + 8 · PANEL) bytes, and where screened as much as
// `screen_scratch` says.
EXPORT(assign)
uint32_t assign(const nearest_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  if (!a->screened && is_small(a)) return assign_small(a, begin, end);
  uint32_t fault = NO_FAULT;
  uint32_t d = a->dimension, panels = ceil_div(a->codewords, PANEL);
  size_t width = (size_t)a->groups * d, group_panels = (size_t)panels * (1 + d) * PANEL;
  for (uint32_t group = 0; group < a->groups; group++) {
    const float *codebook = a->codebooks + (size_t)group * a->codewords * d;
    const float *group_start = a->panels + group * group_panels;
#if DOT
    screening screen = {0};
    if (a->screened)
      open_screening(&screen, codebook, group_start,
                     (const int32_t *)(a->panels + a->groups * group_panels) + (size_t)group * panels * screen_words(d),
                     a->codewords, d, scratch + (size_t)ROW_BLOCK * (4 * d + 8 * PANEL));
#endif
    for (uint32_t row = begin; row < end;) {
      const float *x = a->x + row * width + group * d;
      uint32_t codes[ROW_BLOCK], rows = 0;
#if DOT
      if (screen.promising) rows = screen_rows(&screen, x, min_u32(SCREEN_ROWS, end - row), width, codes);
#endif
      if (rows == 0) {
        rows = min_u32(ROW_BLOCK, end - row);
        uint32_t faulty = nearest_of_all(x, rows, width, group_start, a->codewords, d, scratch, codes);
        if (faulty != NO_FAULT) fault = min_u32(fault, row + faulty);
      }
      for (uint32_t r = 0; r < rows; r++) {
        size_t out = (size_t)(row + r) * a->groups + group;
        a->codes[out] = (int32_t)codes[r];
        a->distances[out] = distance(x + r * width, codebook + (size_t)codes[r] * d, d, a->inner_product);
      }
      row += rows;
    }
  }
  return fault;
}
