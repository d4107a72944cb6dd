// Sums over the values of a row: lane by lane, then what is left, one after another.
#pragma once

#include "kernels.h"

INLINE float row_sum(const float *x, uint32_t d) {
  vec sums = {0};
  uint32_t i = 0;
  for (; i + LANES <= d; i += LANES) sums += load(x + i);
  float sum = sum_of(sums);
  for (; i < d; i++) sum += x[i];
  return sum;
}

INLINE float row_product(const float *x, const float *y, uint32_t d) {
  vec sums = {0};
  uint32_t i = 0;
  for (; i + LANES <= d; i += LANES) sums = madd(load(x + i), load(y + i), sums);
  float sum = sum_of(sums);
  for (; i < d; i++) sum += x[i] * y[i];
  return sum;
}

// Σ(x − y)², or Σ(x − level)² where there is no y.
INLINE float row_spread(const float *x, const float *y, float level, uint32_t d) {
  vec sums = {0};
  uint32_t i = 0;
  for (; i + LANES <= d; i += LANES) {
    vec difference = load(x + i) - (y ? load(y + i) : splat(level));
    sums = madd(difference, difference, sums);
  }
  float sum = sum_of(sums);
  for (; i < d; i++) {
    float difference = x[i] - (y ? y[i] : level);
    sum += difference * difference;
  }
  return sum;
}
