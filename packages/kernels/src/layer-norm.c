// Layer normalization (Ba et al., 2016) and its gradients.
#include "activation.h"
#include "rows.h"

typedef struct {
  float mean;
  float inverse; // 1 / √(variance + epsilon)
} row_statistics;

INLINE row_statistics statistics_of(const float *x, uint32_t d, float epsilon) {
  float mean = row_sum(x, d) / (float)d;
  float variance = row_spread(x, 0, mean, d) / (float)d;
  return (row_statistics){mean, 1 / __builtin_sqrtf(variance + epsilon)};
}

typedef struct {
  const float *x;             // [rows, dimension]
  const float *scale, *shift; // [dimension]
  float *out;                 // [rows, dimension]
  float *pre;                 // [rows, dimension], where what the activation is applied to goes, or 0
  uint32_t dimension, activation;
  float epsilon;
} layer_norm_arguments;

// Items: rows.
EXPORT(layerNorm)
uint32_t layer_norm(const layer_norm_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  for (uint32_t row = begin; row < end; row++) {
    size_t at = (size_t)row * d;
    row_statistics s = statistics_of(a->x + at, d, a->epsilon);
    for (uint32_t i = 0; i < d; i += LANES) {
      uint32_t left = d - i;
      vec unit = (load_upto(a->x + at + i, left) - splat(s.mean)) * splat(s.inverse);
      vec value = madd(unit, load_upto(a->scale + i, left), load_upto(a->shift + i, left));
      if (a->pre) store_upto(a->pre + at + i, value, left);
      store_upto(a->out + at + i, activate(a->activation, value), left);
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *x;        // [rows, dimension]
  const float *scale;    // [dimension]
  const float *gradient; // [rows, dimension], with respect to what layer_norm calls pre
  float *statistics;     // [rows, 2], for the gradients of the parameters
  float *out;            // [rows, dimension]
  uint32_t dimension;
  float epsilon;
} layer_norm_gradients_arguments;

// With x̂ the normalized row and h = gradient · scale: (h − mean(h) − x̂·mean(h·x̂)) / √(variance + epsilon).
//
// Items: rows.
EXPORT(layerNormGradients)
uint32_t layer_norm_gradients(const layer_norm_gradients_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  row_statistics *statistics = (row_statistics *)a->statistics;
  for (uint32_t row = begin; row < end; row++) {
    const float *x = a->x + (size_t)row * d, *g = a->gradient + (size_t)row * d;
    float *out = a->out + (size_t)row * d;
    row_statistics s = statistics[row] = statistics_of(x, d, a->epsilon);
    vec sums = {0}, products = {0};
    for (uint32_t i = 0; i < d; i += LANES) {
      uint32_t left = d - i;
      // Lanes beyond the last value are 0 in h, and so in both sums.
      vec h = load_upto(g + i, left) * load_upto(a->scale + i, left);
      sums += h;
      products = madd(h, (load_upto(x + i, left) - splat(s.mean)) * splat(s.inverse), products);
    }
    vec mean = splat(sum_of(sums) / (float)d), along = splat(sum_of(products) / (float)d);
    for (uint32_t i = 0; i < d; i += LANES) {
      uint32_t left = d - i;
      vec h = load_upto(g + i, left) * load_upto(a->scale + i, left);
      vec unit = (load_upto(x + i, left) - splat(s.mean)) * splat(s.inverse);
      store_upto(out + i, splat(s.inverse) * (h - mean - unit * along), left);
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *x;          // [rows, dimension]
  const float *gradient;   // [rows, dimension]
  const float *statistics; // [rows, 2], as layer_norm_gradients makes them
  float *scale, *shift;    // [dimension]
  uint32_t rows, dimension;
} layer_norm_parameters_arguments;

// Sums over the rows, in their order. Items: panels of PANEL columns.
EXPORT(layerNormParameters)
uint32_t layer_norm_parameters(const layer_norm_parameters_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  const row_statistics *statistics = (const row_statistics *)a->statistics;
  for (uint32_t column = begin * PANEL; column < min_u32(end * PANEL, d); column += LANES) {
    uint32_t left = d - column;
    vec scale = {0}, shift = {0};
    for (uint32_t row = 0; row < a->rows; row++) {
      size_t at = (size_t)row * d + column;
      row_statistics s = statistics[row];
      vec g = load_upto(a->gradient + at, left);
      scale = madd(g, (load_upto(a->x + at, left) - splat(s.mean)) * splat(s.inverse), scale);
      shift += g;
    }
    store_upto(a->scale + column, scale, left);
    store_upto(a->shift + column, shift, left);
  }
  return NO_FAULT;
}
