// Batch normalization (Ioffe & Szegedy, 2015) and its gradients.
#include "activation.h"
#include "kernels.h"

typedef struct {
  const float *x;         // [rows, dimension]
  float *mean, *variance; // [dimension], the variance over the number of rows
  uint32_t rows, dimension;
} batch_statistics_arguments;

// Sums over the rows, in their order. Items: panels of PANEL columns.
EXPORT(batchStatistics)
uint32_t batch_statistics(const batch_statistics_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  vec count = splat((float)a->rows);
  for (uint32_t column = begin * PANEL; column < min_u32(end * PANEL, d); column += LANES) {
    uint32_t left = d - column;
    vec sum = {0}, squares = {0};
    for (uint32_t row = 0; row < a->rows; row++) sum += load_upto(a->x + (size_t)row * d + column, left);
    vec mean = sum / count;
    for (uint32_t row = 0; row < a->rows; row++) {
      vec difference = load_upto(a->x + (size_t)row * d + column, left) - mean;
      squares = madd(difference, difference, squares);
    }
    store_upto(a->mean + column, mean, left);
    store_upto(a->variance + column, squares / count, left);
  }
  return NO_FAULT;
}

OUTLINE vec unit_of(const float *x, const float *mean, const float *variance, float epsilon, uint32_t left) {
  vec deviation = root(load_upto(variance, left) + splat(epsilon));
  return (load_upto(x, left) - load_upto(mean, left)) / deviation;
}

typedef struct {
  const float *x;               // [rows, dimension]
  const float *mean, *variance; // [dimension]
  const float *scale, *shift;   // [dimension]
  float *out;                   // [rows, dimension]
  float *pre;                   // [rows, dimension], where what the activation is applied to goes, or 0
  uint32_t dimension, activation;
  float epsilon;
} batch_norm_arguments;

// Items: rows.
EXPORT(batchNorm)
uint32_t batch_norm(const batch_norm_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  for (uint32_t row = begin; row < end; row++) {
    size_t at = (size_t)row * d;
    for (uint32_t i = 0; i < d; i += LANES) {
      uint32_t left = d - i;
      vec unit = unit_of(a->x + at + i, a->mean + i, a->variance + i, a->epsilon, left);
      vec value = madd(unit, load_upto(a->scale + i, left), load_upto(a->shift + i, left));
      if (a->pre) store_upto(a->pre + at + i, value, left);
      store_upto(a->out + at + i, activate(a->activation, value), left);
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *x;               // [rows, dimension]
  const float *gradient;        // [rows, dimension], with respect to what batch_norm calls pre
  const float *mean, *variance; // [dimension], of the batch
  float *scale, *shift;         // [dimension], their gradients
  uint32_t rows, dimension;
  float epsilon;
} batch_norm_parameters_arguments;

// Sums over the rows, in their order. Items: panels of PANEL columns.
EXPORT(batchNormParameters)
uint32_t batch_norm_parameters(const batch_norm_parameters_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  for (uint32_t column = begin * PANEL; column < min_u32(end * PANEL, d); column += LANES) {
    uint32_t left = d - column;
    vec scale = {0}, shift = {0};
    for (uint32_t row = 0; row < a->rows; row++) {
      size_t at = (size_t)row * d + column;
      vec g = load_upto(a->gradient + at, left);
      scale = madd(g, unit_of(a->x + at, a->mean + column, a->variance + column, a->epsilon, left), scale);
      shift += g;
    }
    store_upto(a->scale + column, scale, left);
    store_upto(a->shift + column, shift, left);
  }
  return NO_FAULT;
}

typedef struct {
  const float *x;                                // [rows, dimension]
  const float *gradient;                         // [rows, dimension], as above
  const float *mean, *variance;                  // [dimension], of the batch
  const float *scale;                            // [dimension]
  const float *scale_gradient, *shift_gradient;  // [dimension], as batch_norm_parameters makes them
  float *out;                                    // [rows, dimension]
  uint32_t rows, dimension;
  float epsilon;
} batch_norm_gradients_arguments;

// scale · (g − Σg / n − x̂ · Σ(g · x̂) / n) / √(variance + epsilon), the sums over the batch. Items: rows.
EXPORT(batchNormGradients)
uint32_t batch_norm_gradients(const batch_norm_gradients_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  vec count = splat((float)a->rows);
  for (uint32_t row = begin; row < end; row++) {
    size_t at = (size_t)row * d;
    for (uint32_t i = 0; i < d; i += LANES) {
      uint32_t left = d - i;
      vec unit = unit_of(a->x + at + i, a->mean + i, a->variance + i, a->epsilon, left);
      vec along = load_upto(a->scale_gradient + i, left) / count, mean = load_upto(a->shift_gradient + i, left) / count;
      vec factor = load_upto(a->scale + i, left) / root(load_upto(a->variance + i, left) + splat(a->epsilon));
      store_upto(a->out + at + i, factor * (load_upto(a->gradient + at + i, left) - mean - unit * along), left);
    }
  }
  return NO_FAULT;
}
