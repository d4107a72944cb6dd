// Screening: most codewords of a row are ruled out by whole-number arithmetic, and the others compared in float32.
//
// A vector v is written as scale · q + e, q being small whole numbers. So x·c is known from the product of the q's,
// which some targets compute several times as fast as that of the floats, up to
//
//   |x·c − x̂·ĉ| ≤ ‖x‖·‖e_c‖ + ‖e_x‖·‖ĉ‖      (Cauchy and Schwarz)
//
// A codeword whose score is at most below what another one's is at least cannot win. The bounds allow for every
// rounding on the way, those of the float32 product included, so the codes that come out are those of the float32
// product bit for bit. One or two codewords of a thousand are left over for it.
//
// Rows and codewords are taken relative to a common centre, which changes no comparison and makes both shorter:
// (x − m)·(c − m) − ½‖c − m‖² is x·c − ½‖c‖² but for a term of the row alone, and so is (x − m)·(c − m) + m·c of x·c.
//
// What it costs, in vector operations a row, with L lanes: the whole-number product k·d/(L·DOT), not k·d/L; bounds and
// the search among them 9·k/L; rounding the row, about 12·d/L + 50; comparing what is left, about d/L + 10 each.
// `screening.ts` says where that pays.
#pragma once

#include "dot.h"

#if DOT

// Of a panel's codewords, before their whole numbers: [SCREEN_FIELDS, PANEL] words.
enum {
  SCREEN_START,  // int32: what takes ROW_OFFSET out of the product again
  SCREEN_SCALE,  // of q
  SCREEN_SCORE,  // −½‖c − m‖², or m·c under inner product; −∞ beyond the last codeword
  SCREEN_ERROR,  // times ‖x − m‖: ‖e_c‖ and roundings
  SCREEN_LENGTH, // times ‖e_x‖: ‖ĉ‖
  SCREEN_SLACK,  // roundings that do not depend on the row
  SCREEN_NORM,   // ‖c‖
  SCREEN_FIELDS
};

// Bounds are computed in float32 themselves; this covers it.
#define GENEROUS 1.001f
// Values beyond which squares might overflow, and steps below which they might vanish.
#define LONGEST 0x1p50f
#define SMALLEST 0x1p-60f

INLINE uint32_t screen_steps(uint32_t d) { return ceil_div(d, DOT); }
INLINE size_t screen_words(uint32_t d) { return (size_t)PANEL * (SCREEN_FIELDS + screen_steps(d)); }
// A bound on the relative error of a float32 product of length d, and a little more.
INLINE float rounding(uint32_t d) { return (float)(d + 16) * 0x1p-23f; }

// About the mean of the codewords: of at most 64 of them. Any vector will do, as long as it is the same everywhere.
INLINE void find_centre(const float *codebook, uint32_t codewords, uint32_t d, float *centre) {
  uint32_t step = ceil_div(codewords, 64), count = ceil_div(codewords, step);
  float share = 1 / (float)count;
  for (uint32_t i = 0; i < d; i++) centre[i] = 0;
  for (uint32_t j = 0; j < codewords; j += step) {
    const float *c = codebook + (size_t)j * d;
    uint32_t i = 0;
    for (; i + LANES <= d; i += LANES) store(centre + i, madd(load(c + i), splat(share), load(centre + i)));
    for (; i < d; i++) centre[i] += c[i] * share;
  }
}

// A vector in whole numbers.
typedef struct {
  float scale;
  float norm;  // ‖v − m‖
  float error; // ‖v − m − scale · q‖
} quantized;

// v − m from dimension i on; 0 beyond the last.
INLINE vec shifted_lanes(const float *v, const float *centre, uint32_t i, uint32_t d) {
  if (i + LANES <= d) return load(v + i) - load(centre + i);
  vec rest = {0};
  for (uint32_t j = i; j < d; j++) rest[j - i] = v[j] - centre[j];
  return rest;
}

typedef whole wholes __attribute__((vector_size(sizeof(whole) * LANES), aligned(sizeof(whole))));

// Floats that are asked for before they are needed: vectors mostly follow one another.
#define AHEAD 1024

// Writes q = round((v − m) / scale), [d] rounded up to whole vectors; 0 if v is too long or not finite.
__attribute__((noinline)) static int quantize(const float *v, const float *centre, uint32_t d, whole *q,
                                              quantized *out) {
  vec largest = {0}, squares = {0}, errors = {0};
  for (uint32_t i = 0; i < d; i += LANES) {
    __builtin_prefetch(v + i + AHEAD);
    vec shifted = shifted_lanes(v, centre, i, d), size = select(shifted < 0, -shifted, shifted);
    largest = select(size > largest, size, largest);
  }
  float most = largest_of(largest), step = most / LEVELS;
  if (!(most < LONGEST)) return 0;
#if DOT == 2
  // So that no sum of products overflows: |Σ q·q'| ≤ ‖q‖·‖q'‖.
  for (uint32_t i = 0; i < d; i += LANES) {
    vec shifted = shifted_lanes(v, centre, i, d);
    squares = madd(shifted, shifted, squares);
  }
  float least = __builtin_elementwise_sqrt(sum_of(squares)) * (1.f / 40000);
  step = step > least ? step : least;
  squares = (vec){0};
#endif
  // What is too small to count for anything, among numbers of an ordinary size, is all error.
  int vanishes = step < SMALLEST;
  vec inverse = splat(vanishes ? 0 : 1 / step);
  for (uint32_t i = 0; i < d; i += LANES) {
    vec scaled = shifted_lanes(v, centre, i, d) * inverse;
    vec near = __builtin_elementwise_roundeven(scaled), error = scaled - near;
    squares = madd(scaled, scaled, squares);
    errors = madd(error, error, errors);
    *(wholes *)(q + i) = __builtin_convertvector(__builtin_convertvector(near, ivec), wholes);
  }
  float length = __builtin_elementwise_sqrt(sum_of(squares));
  // A NaN is not seen before.
  if (!is_finite(length)) return 0;
  out->scale = vanishes ? 0 : step;
  out->norm = GENEROUS * step * length;
  // Shifting and scaling were rounded too.
  out->error = GENEROUS * step * (__builtin_elementwise_sqrt(sum_of(errors)) + 0x1p-22f * length);
  if (vanishes) out->norm = out->error = LEVELS * SMALLEST * GENEROUS * __builtin_elementwise_sqrt((float)d);
  return 1;
}

INLINE float norm_of(const float *v, uint32_t d) {
  double sum = 0;
  for (uint32_t i = 0; i < d; i++) sum += (double)v[i] * v[i];
  return GENEROUS * (float)__builtin_elementwise_sqrt(sum);
}

// A panel's codewords from `first` on, for screening. `scratch`: d floats and d whole numbers, each in whole vectors.
INLINE void pack_screen(const float *codebook, uint32_t codewords, uint32_t first, uint32_t d, uint32_t inner_product,
                        int32_t *out, float *centre, whole *q) {
  find_centre(codebook, codewords, d, centre);
  uint32_t steps = screen_steps(d);
  float *fields = (float *)out, centre_norm = norm_of(centre, d);
  for (uint32_t lane = 0; lane < PANEL; lane++) {
    whole *to = (whole *)(out + (size_t)SCREEN_FIELDS * PANEL) + lane * DOT;
    if (first + lane >= codewords) {
      for (uint32_t f = 0; f < SCREEN_FIELDS; f++) fields[f * PANEL + lane] = 0;
      fields[SCREEN_SCORE * PANEL + lane] = -__builtin_inff();
      for (uint32_t s = 0; s < steps; s++)
        for (uint32_t i = 0; i < DOT; i++) to[(size_t)s * PANEL * DOT + i] = 0;
      continue;
    }
    const float *c = codebook + (size_t)(first + lane) * d;
    quantized found = {0};
    quantize(c, centre, d, q, &found);
    int32_t sum = 0;
    for (uint32_t s = 0; s < steps; s++) {
      for (uint32_t i = 0; i < DOT; i++) {
        whole value = s * DOT + i < d ? q[s * DOT + i] : 0;
        sum += value;
        to[(size_t)s * PANEL * DOT + i] = value;
      }
    }
    double moved = 0, along = 0;
    for (uint32_t i = 0; i < d; i++) {
      float shifted = c[i] - centre[i];
      moved += (double)shifted * shifted;
      along += (double)centre[i] * c[i];
    }
    float norm = norm_of(c, d);
    out[SCREEN_START * PANEL + lane] = -ROW_OFFSET * sum;
    fields[SCREEN_SCALE * PANEL + lane] = found.scale;
    fields[SCREEN_SCORE * PANEL + lane] = inner_product ? (float)along : (float)(-0.5 * moved);
    fields[SCREEN_ERROR * PANEL + lane] = found.error + rounding(d) * (norm + found.norm);
    fields[SCREEN_LENGTH * PANEL + lane] = found.norm + found.error;
    fields[SCREEN_SLACK * PANEL + lane] =
        rounding(d) * (norm * norm + found.norm * found.norm + centre_norm * (norm + found.norm)) + 0x1p-120f;
    fields[SCREEN_NORM * PANEL + lane] = norm;
  }
}

#endif
