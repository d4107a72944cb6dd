// The rows' side of screening: see screen.h.
#pragma once

#include "nearest.h"
#include "screen.h"

#if DOT

// Rows that are screened together, so that their scores stay in the L2 cache, and codewords that they meet in between.
#define SCREEN_TILES (48 / ROWS)
#define SCREEN_ROWS (SCREEN_TILES * ROWS)
#define SCREEN_PANELS (1024 / PANEL)
// Codewords that a row may be left with.
#define MOST_LEFT 64

typedef struct {
  ivec at[ROWS][VECTORS];
} whole_tile;

// A row, and the codewords that may win it.
typedef struct {
  quantized row;
  uint32_t left;
  uint32_t codes[MOST_LEFT];
  float at_most[MOST_LEFT]; // their scores
} screened_row;

typedef struct {
  screened_row rows[SCREEN_ROWS];
  float best[SCREEN_ROWS][LANES]; // what some codewords score at least
  float at_most[SCREEN_PANELS][SCREEN_ROWS][PANEL];
  // Then: the centre, [d] floats; a row of whole numbers, [d]; and tiles of them, [SCREEN_TILES, steps, ROWS] words.
} screen_scratch;

// What `screening.ts` reckons with when it makes room.
_Static_assert(SCREEN_FIELDS == 7 && SCREEN_ROWS == 48 && SCREEN_PANELS * PANEL == 1024, "sizes of screening.ts");
_Static_assert(sizeof(screen_scratch) <= 48 * (16 + 8 * 64 + 64 + 4 * 1024), "sizes of screening.ts");

// A codebook ready for screening.
typedef struct {
  const float *codebook;
  const float *panels;   // of floats
  const int32_t *screen; // of whole numbers
  uint32_t codewords, dimension;
  float slack; // the largest of the codewords'
  float centre_norm;
  uint32_t promising; // 0 once it has been in vain
  screen_scratch *scratch;
  float *centre;
  whole *q;
  int32_t *tiles;
} screening;

INLINE void open_screening(screening *s, const float *codebook, const float *panels, const int32_t *screen,
                           uint32_t codewords, uint32_t d, char *scratch) {
  vec longest = {0}, slack = {0};
  for (uint32_t p = 0; p < ceil_div(codewords, PANEL); p++) {
    const float *fields = (const float *)screen + p * screen_words(d);
    for (uint32_t lane = 0; lane < PANEL; lane += LANES) {
      longest = LARGER(longest, load(fields + SCREEN_NORM * PANEL + lane));
      slack = LARGER(slack, load(fields + SCREEN_SLACK * PANEL + lane));
    }
  }
  float *centre = (float *)(scratch + sizeof(screen_scratch));
  whole *q = (whole *)(centre + ceil_div(d, LANES) * LANES);
  find_centre(codebook, codewords, d, centre);
  *s = (screening){
      .codebook = codebook,
      .panels = panels,
      .screen = screen,
      .codewords = codewords,
      .dimension = d,
      .slack = largest_of(slack),
      .centre_norm = norm_of(centre, d),
      .promising = largest_of(longest) < LONGEST,
      .scratch = (screen_scratch *)scratch,
      .centre = centre,
      .q = q,
      .tiles = (int32_t *)(q + ceil_div(d, LANES) * LANES),
  };
}

INLINE whole_tile multiply_wholes(const int32_t *x, const int32_t *panel, const int32_t *start, uint32_t steps) {
  whole_tile sum;
  UNROLL for (int v = 0; v < VECTORS; v++) {
    ivec first = loadi(start + v * LANES);
    UNROLL for (int r = 0; r < ROWS; r++) sum.at[r][v] = first;
  }
#pragma clang loop unroll(disable)
  for (const int32_t *end = x + steps * ROWS; x < end; x += ROWS, panel += PANEL) {
    ivec c[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) c[v] = loadi(panel + v * LANES);
    UNROLL for (int r = 0; r < ROWS; r++) {
      ivec value = splati(x[r]);
      UNROLL for (int v = 0; v < VECTORS; v++) sum.at[r][v] = dot(sum.at[r][v], value, c[v]);
    }
  }
  return sum;
}

// The bounds of a tile's scores for one panel: the lower ones raise `best`, the upper ones are written.
INLINE void bound_scores(const int32_t *x, const screened_row *rows, float spread, const int32_t *panel, uint32_t steps,
                         float (*best)[LANES], float (*at_most)[PANEL]) {
  const float *fields = (const float *)panel;
  whole_tile sum = multiply_wholes(x, panel + SCREEN_FIELDS * PANEL, panel + SCREEN_START * PANEL, steps);
  vec scale[VECTORS], score[VECTORS], error[VECTORS];
  UNROLL for (int v = 0; v < VECTORS; v++) {
    scale[v] = load(fields + SCREEN_SCALE * PANEL + v * LANES);
    score[v] = load(fields + SCREEN_SCORE * PANEL + v * LANES);
    error[v] = madd(load(fields + SCREEN_LENGTH * PANEL + v * LANES), splat(spread),
                    load(fields + SCREEN_ERROR * PANEL + v * LANES));
  }
  UNROLL for (int r = 0; r < ROWS; r++) {
    vec step = splat(rows[r].row.scale), norm = splat(rows[r].row.norm), highest = load(best[r]);
    UNROLL for (int v = 0; v < VECTORS; v++) {
      vec near = madd(__builtin_convertvector(sum.at[r][v], vec) * scale[v], step, score[v]);
      store(at_most[r] + v * LANES, madd(error[v], norm, near));
      vec least = madd(error[v], -norm, near);
      highest = select(least > highest, least, highest);
    }
    store(best[r], highest);
  }
}

// Quantizes rows into tiles; 0 if one of them is too long, or not finite.
INLINE int pack_wholes(const float *x, uint32_t rows, size_t stride, const float *centre, uint32_t d, screened_row *out,
                       whole *q, int32_t *tiles) {
  uint32_t steps = screen_steps(d);
  for (uint32_t i = d - d % LANES; i < ceil_div(d, LANES) * LANES; i++) q[i] = 0;
  for (uint32_t r = 0; r < ceil_div(rows, ROWS) * ROWS; r++) {
    // Rows that fill up the last tile are as good as any.
    const float *row = x + (r < rows ? r : 0) * stride;
    if (!quantize(row, centre, d, q, &out[r].row)) return 0;
    out[r].left = 0;
    int32_t *to = tiles + (size_t)(r / ROWS) * steps * ROWS + r % ROWS;
    for (uint32_t s = 0; s < steps; s++) {
      typedef uint32_t word __attribute__((aligned(1), may_alias));
      to[s * ROWS] = (int32_t)lifted(*(const word *)(q + DOT * s));
    }
  }
  return 1;
}

// Drops what a row is left with but has been ruled out since.
INLINE void rule_out(screened_row *row, float threshold) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < row->left; i++) {
    row->codes[kept] = row->codes[i];
    row->at_most[kept] = row->at_most[i];
    kept += row->at_most[i] >= threshold;
  }
  row->left = kept;
}

// Adds the codewords of some panels that may win a row; 0 if there are too many.
INLINE int collect(screened_row *row, float threshold, float (*at_most)[SCREEN_ROWS][PANEL], uint32_t r, uint32_t first,
                   uint32_t panels) {
  if (row->left > 0) rule_out(row, threshold);
  vec limit = splat(threshold);
  for (uint32_t p = 0; p < panels; p++) {
    const float *scores = at_most[p][r];
    uint64_t open = 0;
    UNROLL for (int v = 0; v < VECTORS; v++)
      open |= (uint64_t)bits_of(load(scores + v * LANES) >= limit) << (v * LANES);
    for (; open != 0; open &= open - 1) {
      uint32_t lane = (uint32_t)__builtin_ctzll(open);
      if (row->left == MOST_LEFT) return 0;
      row->codes[row->left] = (first + p) * PANEL + lane;
      row->at_most[row->left++] = scores[lane];
    }
  }
  return 1;
}

INLINE float product(const float *x, const float *c, uint32_t d) {
  vec sums = {0};
  uint32_t i = 0;
  for (; i + LANES <= d; i += LANES) sums = madd(load(x + i), load(c + i), sums);
  float sum = sum_of(sums);
  for (; i < d; i++) sum += x[i] * c[i];
  return sum;
}

// A codeword's score with the bits that `multiply` gives it.
INLINE float exact_score(const float *x, const float *c, float start, uint32_t d) {
  vec sum = splat(start);
  for (uint32_t i = 0; i < d; i++) sum = madd(splat(x[i]), splat(c[i]), sum);
  return sum[0];
}

// The winner among the codewords that a row is left with.
INLINE uint32_t settle_row(const screening *book, const screened_row *row, const float *x) {
  if (row->left == 1) return row->codes[0];
  uint32_t d = book->dimension, best = 0;
  float scores[MOST_LEFT], longest = 0;
  for (uint32_t i = 0; i < row->left; i++) {
    uint32_t code = row->codes[i], panel = code / PANEL, lane = code % PANEL;
    float start = book->panels[(size_t)panel * (1 + d) * PANEL + lane];
    float norm = ((const float *)book->screen)[panel * screen_words(d) + SCREEN_NORM * PANEL + lane];
    longest = norm > longest ? norm : longest;
    scores[i] = start + product(x, book->codebook + (size_t)code * d, d);
    if (scores[i] > scores[best]) best = i;
  }
  // A score is off by at most half of `rounding` · ‖c‖ · (½‖c‖ + ‖x‖), and so is the one that `multiply` computes.
  // Where two are further apart than that allows for, there is no doubt.
  float doubt = 2 * rounding(d) * longest * (longest + row->row.norm + book->centre_norm) + 0x1p-120f;
  uint32_t near = 0;
  for (uint32_t i = 0; i < row->left; i++) near += scores[i] >= scores[best] - doubt;
  if (near == 1) return row->codes[best];
  float limit = scores[best] - doubt, highest = -__builtin_inff();
  uint32_t winner = row->codes[best];
  for (uint32_t i = 0; i < row->left; i++) {
    if (!(scores[i] >= limit)) continue;
    uint32_t code = row->codes[i];
    float start = book->panels[(size_t)(code / PANEL) * (1 + d) * PANEL + code % PANEL];
    float score = exact_score(x, book->codebook + (size_t)code * d, start, d);
    // Codewords are in ascending order, so the lowest keeps its place.
    if (score > highest) {
      highest = score;
      winner = code;
    }
  }
  return winner;
}

// The nearest codewords of some rows, SCREEN_ROWS at most; returns how many, or 0 if screening does not tell: a row is
// not finite, or is left with too many codewords.
INLINE uint32_t screen_rows(screening *book, const float *x, uint32_t rows, size_t stride, uint32_t *codes) {
  screen_scratch *s = book->scratch;
  uint32_t d = book->dimension, steps = screen_steps(d), panels = ceil_div(book->codewords, PANEL);
  uint32_t tiles = ceil_div(rows, ROWS);
  book->promising = 0;
  if (!pack_wholes(x, rows, stride, book->centre, d, s->rows, book->q, book->tiles)) return 0;
  float spread[SCREEN_TILES];
  for (uint32_t t = 0; t < tiles; t++) {
    spread[t] = 0;
    for (uint32_t r = t * ROWS; r < (t + 1) * ROWS; r++) {
      quantized row = s->rows[r].row;
      float ratio = row.norm > 0 ? GENEROUS * row.error / row.norm : 0;
      spread[t] = ratio > spread[t] ? ratio : spread[t];
    }
  }
  for (uint32_t r = 0; r < tiles * ROWS; r++) store(s->best[r], splat(-__builtin_inff()));
  for (uint32_t first = 0; first < panels; first += SCREEN_PANELS) {
    uint32_t here = min_u32(SCREEN_PANELS, panels - first);
    for (uint32_t p = 0; p < here; p++) {
      const int32_t *panel = book->screen + (first + p) * screen_words(d);
      for (uint32_t t = 0; t < tiles; t++)
        bound_scores(book->tiles + (size_t)t * steps * ROWS, s->rows + t * ROWS, spread[t], panel, steps,
                     s->best + t * ROWS, s->at_most[p] + t * ROWS);
    }
    for (uint32_t r = 0; r < rows; r++) {
      float threshold = largest_of(load(s->best[r])) - 3 * book->slack;
      // Lanes beyond the last codeword are at −∞.
      if (!(threshold > -__builtin_inff())) return 0;
      if (!collect(s->rows + r, threshold, s->at_most, r, first, here)) return 0;
    }
  }
  for (uint32_t r = 0; r < rows; r++) {
    if (s->rows[r].left == 0) return 0;
    codes[r] = settle_row(book, s->rows + r, x + r * stride);
  }
  book->promising = 1;
  return rows;
}

#endif
