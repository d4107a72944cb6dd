// The nearest codeword where a group's panels all stay in the cache, as those of a product quantizer do: a few rows
// meet every panel before the next rows take their turn, straight from where they lie. Nothing is packed, and the best
// scores wait in registers. The sums are those of the large tile, term by term, and the results bit by bit.
#pragma once

#include "nearest.h"

// Accumulators, best scores and where those came from share the registers that the large tile fills with accumulators.
#define SMALL_ROWS ((ROWS + 2) / 3)
// Rows that meet one group after another.
#define SMALL_BLOCK (16 * SMALL_ROWS)
// Whether these are sums enough to keep two multipliers busy, which take four cycles. With fewer, long rows wait.
#define SMALL_IS_WIDE (SMALL_ROWS * VECTORS >= 8)
// Bytes of a group's panels up to which this is the faster way, measured: half of a level-2 cache, or a level-1 cache.
#define SMALL_BYTES (SMALL_IS_WIDE ? 640 << 10 : 64 << 10)
#define SMALL_DIMENSION 16

INLINE int is_small(const nearest_arguments *a) {
#if defined(__wasm__) && !defined(__wasm_simd128__)
  return 0; // Without vectors there is nothing to gain, and this is code to download.
#endif
  uint64_t panels = ceil_div(a->codewords, PANEL), bytes = panels * (1 + a->dimension) * PANEL * sizeof(float);
  return bytes <= SMALL_BYTES && (SMALL_IS_WIDE || a->dimension <= SMALL_DIMENSION);
}

typedef struct {
  vec score[SMALL_ROWS][VECTORS];
  ivec panel[SMALL_ROWS][VECTORS];
} small_best;

INLINE small_best meet_all_panels(const float *const *x, const float *panel, uint32_t panels, uint32_t d) {
  small_best best;
  UNROLL for (int r = 0; r < SMALL_ROWS; r++) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      best.score[r][v] = splat(-__builtin_inff());
      best.panel[r][v] = splati(0);
    }
  }
  for (uint32_t p = 0; p < panels; p++) {
    vec sum[SMALL_ROWS][VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) {
      vec first = load(panel + v * LANES);
      UNROLL for (int r = 0; r < SMALL_ROWS; r++) sum[r][v] = first;
    }
    panel += PANEL;
#pragma clang loop unroll(disable)
    for (uint32_t i = 0; i < d; i++, panel += PANEL) {
      vec c[VECTORS];
      UNROLL for (int v = 0; v < VECTORS; v++) c[v] = load(panel + v * LANES);
      UNROLL for (int r = 0; r < SMALL_ROWS; r++) {
        vec value = splat(x[r][i]);
        UNROLL for (int v = 0; v < VECTORS; v++) sum[r][v] = madd(value, c[v], sum[r][v]);
      }
    }
    ivec here = splati((int32_t)p);
    UNROLL for (int r = 0; r < SMALL_ROWS; r++) {
      UNROLL for (int v = 0; v < VECTORS; v++) {
        ivec better = sum[r][v] > best.score[r][v];
        best.score[r][v] = select(better, sum[r][v], best.score[r][v]);
        best.panel[r][v] = selecti(better, here, best.panel[r][v]);
      }
    }
  }
  return best;
}

// `distance` for each row. Short ones, which it sums one value after another, go side by side.
INLINE void small_distances(const float *const *x, const float *const *c, uint32_t d, uint32_t inner_product,
                            float *distances) {
  if (d >= LANES || LANES == 4) {
#pragma clang loop unroll(disable)
    for (int r = 0; r < SMALL_ROWS; r++) distances[r] = distance(x[r], c[r], d, inner_product);
    return;
  }
  UNROLL for (int r = 0; r < SMALL_ROWS; r++) distances[r] = 0;
  for (uint32_t i = 0; i < d; i++) {
    UNROLL for (int r = 0; r < SMALL_ROWS; r++) {
      float a = x[r][i], b = c[r][i];
      distances[r] += inner_product ? a * b : (a - b) * (a - b);
    }
  }
  if (!inner_product) return;
  UNROLL for (int r = 0; r < SMALL_ROWS; r++) distances[r] = 0 - distances[r];
}

// The first of `rows` rows with a slice that is not finite or whose squared norm overflows, or NO_FAULT.
INLINE uint32_t faulty_slice(const float *x, uint32_t rows, uint32_t groups, uint32_t d) {
  size_t width = (size_t)groups * d, size = rows * width, i = 0;
  vec squares = {0};
  for (; i + LANES <= size; i += LANES) squares = madd(load(x + i), load(x + i), squares);
  for (; i < size; i++) squares[0] += x[i] * x[i];
  if (!any(~(squares < splat(0x1p100f)))) return NO_FAULT;
  for (size_t slice = 0; slice < (size_t)rows * groups; slice++) {
    double norm = 0;
    for (uint32_t p = 0; p < d; p++) norm += (double)x[slice * d + p] * x[slice * d + p];
    if (!is_finite((float)norm)) return (uint32_t)(slice / groups);
  }
  return NO_FAULT;
}

// As `assign`.
INLINE uint32_t assign_small(const nearest_arguments *a, uint32_t begin, uint32_t end) {
  uint32_t fault = NO_FAULT;
  uint32_t d = a->dimension, panels = ceil_div(a->codewords, PANEL);
  size_t width = (size_t)a->groups * d;
  for (uint32_t block = begin; block < end; block += SMALL_BLOCK) {
    uint32_t rows = min_u32(SMALL_BLOCK, end - block);
    uint32_t faulty = faulty_slice(a->x + block * width, rows, a->groups, d);
    if (faulty != NO_FAULT) fault = min_u32(fault, block + faulty);
    for (uint32_t group = 0; group < a->groups; group++) {
      const float *codebook = a->codebooks + (size_t)group * a->codewords * d;
      const float *group_panels = a->panels + (size_t)group * panels * (1 + d) * PANEL;
      for (uint32_t first = 0; first < rows; first += SMALL_ROWS) {
        const float *x[SMALL_ROWS], *chosen[SMALL_ROWS];
        uint32_t codes[SMALL_ROWS];
        float distances[SMALL_ROWS];
        // Beyond the last row stands the last row again.
        UNROLL for (uint32_t r = 0; r < SMALL_ROWS; r++)
          x[r] = a->x + (block + min_u32(first + r, rows - 1)) * width + group * d;
        small_best best = meet_all_panels(x, group_panels, panels, d);
        UNROLL for (int r = 0; r < SMALL_ROWS; r++) {
          codes[r] = winner(best.score[r], best.panel[r]);
          chosen[r] = codebook + (size_t)codes[r] * d;
        }
        small_distances(x, chosen, d, a->inner_product, distances);
        uint32_t count = min_u32(SMALL_ROWS, rows - first);
        for (uint32_t r = 0; r < count; r++) {
          size_t out = (size_t)(block + first + r) * a->groups + group;
          a->codes[out] = (int32_t)codes[r];
          a->distances[out] = distances[r];
        }
      }
    }
  }
  return fault;
}
