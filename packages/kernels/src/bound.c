// The way back through the bound of finite scalar quantization (Mentzer et al., 2023).
#include "activation.h"

typedef struct {
  const float *z;              // [rows, dimension]
  const float *gradient;       // [rows, dimension], with respect to the bounded values
  const float *shift, *slope;  // [dimension]
  float *out;                  // [rows, dimension]
  uint32_t dimension;
} bound_gradient_arguments;

// gradient · slope · (1 − tanh²(z + shift)). Items: rows.
EXPORT(boundGradient)
uint32_t bound_gradient(const bound_gradient_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  for (uint32_t row = begin; row < end; row++) {
    for (uint32_t i = 0; i < d; i += LANES) {
      size_t at = (size_t)row * d + i;
      uint32_t left = d - i;
      vec y = load_upto(a->z + at, left) + load_upto(a->shift + i, left);
      // 1 − tanh² y = 4e / (1 + e)² with e = e^(−2|y|), which does not cancel where tanh is near 1.
      vec e = exponential(splat(-2) * select(y < splat(0), -y, y)), sum = splat(1) + e;
      vec steep = splat(4) * e / (sum * sum) * load_upto(a->slope + i, left);
      store_upto(a->out + at, load_upto(a->gradient + at, left) * steep, left);
    }
  }
  return NO_FAULT;
}
