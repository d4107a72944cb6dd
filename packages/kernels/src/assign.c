// The nearest codeword of each row: a matrix product whose n × k result is reduced in registers and never stored.
#include "nearest.h"
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

// The lowest codeword among the lanes with the highest score.
INLINE uint32_t winner(const float *score, const int32_t *panel) {
  ivec lanes;
  UNROLL for (int lane = 0; lane < LANES; lane++) lanes[lane] = lane;
  vec best = load(score);
  ivec code = loadi(panel) * PANEL + lanes;
  UNROLL for (int v = 1; v < VECTORS; v++) {
    vec other = load(score + v * LANES);
    ivec candidate = loadi(panel + v * LANES) * PANEL + (lanes + v * LANES);
    ivec better = (other > best) | ((other == best) & (candidate < code));
    best = select(better, other, best);
    code = selecti(better, candidate, code);
  }
  float highest = best[0];
  int32_t lowest = code[0];
  UNROLL for (int lane = 1; lane < LANES; lane++) {
    if (best[lane] > highest || (best[lane] == highest && code[lane] < lowest)) {
      highest = best[lane];
      lowest = code[lane];
    }
  }
  return (uint32_t)lowest;
}

// Items: rows. Fault: the row. Scratch: ROW_BLOCK · (4 · dimension + 8 · PANEL) bytes.
EXPORT(assign)
uint32_t assign(const nearest_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  if (is_small(a)) return assign_small(a, begin, end);
  uint32_t fault = NO_FAULT;
  uint32_t d = a->dimension, panels = ceil_div(a->codewords, PANEL), step = panels_per_block(d);
  size_t width = (size_t)a->groups * d;
  lane_best *best = (lane_best *)scratch;
  float *packed = (float *)(best + ROW_BLOCK / ROWS);
  for (uint32_t row = begin; row < end; row += ROW_BLOCK) {
    uint32_t rows = min_u32(ROW_BLOCK, end - row), tiles = ceil_div(rows, ROWS);
    for (uint32_t group = 0; group < a->groups; group++) {
      const float *x = a->x + row * width + group * d;
      const float *group_panels = a->panels + (size_t)group * panels * (1 + d) * PANEL;
      pack_rows(x, rows, d, width, 1, packed);
      uint32_t faulty = faulty_row(packed, rows, d);
      if (faulty != NO_FAULT) fault = min_u32(fault, row + faulty);
      for (uint32_t i = 0; i < tiles * ROWS * PANEL; i++) {
        best[i / (ROWS * PANEL)].score[0][i % (ROWS * PANEL)] = -__builtin_inff();
        best[i / (ROWS * PANEL)].panel[0][i % (ROWS * PANEL)] = 0;
      }
      for (uint32_t first = 0; first < panels; first += step) {
        uint32_t last = min_u32(panels, first + step);
        for (uint32_t t = 0; t < tiles; t++)
          meet_panels(packed + (size_t)t * ROWS * d, group_panels, first, last, d, best + t);
      }
      for (uint32_t r = 0; r < rows; r++) {
        uint32_t code = winner(best[r / ROWS].score[r % ROWS], best[r / ROWS].panel[r % ROWS]);
        const float *c = a->codebooks + ((size_t)group * a->codewords + code) * d;
        size_t out = (size_t)(row + r) * a->groups + group;
        a->codes[out] = (int32_t)code;
        a->distances[out] = distance(x + r * width, c, d, a->inner_product);
      }
    }
  }
  return fault;
}
