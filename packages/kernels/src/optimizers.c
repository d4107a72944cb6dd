// Steps of optimizers, in place.
#include "kernels.h"

// What the gradients are multiplied by so that their norm does not exceed a limit, as PyTorch's clip_grad_norm_ has it.
INLINE vec clip_factor(const float *squared_norm, float limit) {
  if (!squared_norm) return splat(1);
  float factor = limit / (__builtin_sqrtf(*squared_norm) + 1e-6f);
  // Not the other way round: NaN must stay NaN.
  return splat(factor > 1 ? 1 : factor);
}

typedef struct {
  float *parameters;
  const float *gradients;
  float *first, *second;     // averages of the gradients and of their squares
  const float *squared_norm; // of all gradients, for clipping, or 0
  float limit;               // of the norm
  float keep;                // 1 − learning rate · weight decay
  float beta1, beta1_rest, beta2, beta2_rest;
  float rate;         // learning rate / (1 − β₁ᵗ)
  float inverse_root; // 1 / √(1 − β₂ᵗ)
  float epsilon;
} adamw_arguments;

// Items: parameters, from a multiple of LANES on. (Loshchilov & Hutter, 2019)
EXPORT(adamw)
uint32_t adamw(const adamw_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  vec clip = clip_factor(a->squared_norm, a->limit);
  for (uint32_t i = begin; i < end; i += LANES) {
    uint32_t left = end - i;
    vec g = load_upto(a->gradients + i, left) * clip;
    vec m = madd(splat(a->beta1_rest), g, splat(a->beta1) * load_upto(a->first + i, left));
    vec v = madd(splat(a->beta2_rest) * g, g, splat(a->beta2) * load_upto(a->second + i, left));
    vec step = splat(a->rate) * m / madd(root(v), splat(a->inverse_root), splat(a->epsilon));
    store_upto(a->first + i, m, left);
    store_upto(a->second + i, v, left);
    store_upto(a->parameters + i, splat(a->keep) * load_upto(a->parameters + i, left) - step, left);
  }
  return NO_FAULT;
}

typedef struct {
  float *parameters;
  const float *gradients;
  float *sums;               // of the gradients' squares
  const float *squared_norm; // as above
  float limit, keep;         // as above
  float rate, epsilon;
} adagrad_arguments;

// Items: as above. (Duchi et al., 2011)
EXPORT(adagrad)
uint32_t adagrad(const adagrad_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  vec clip = clip_factor(a->squared_norm, a->limit);
  for (uint32_t i = begin; i < end; i += LANES) {
    uint32_t left = end - i;
    vec g = load_upto(a->gradients + i, left) * clip;
    vec s = madd(g, g, load_upto(a->sums + i, left));
    vec step = splat(a->rate) * g / (root(s) + splat(a->epsilon));
    store_upto(a->sums + i, s, left);
    store_upto(a->parameters + i, splat(a->keep) * load_upto(a->parameters + i, left) - step, left);
  }
  return NO_FAULT;
}

typedef struct {
  float *parameters;
  const float *gradients;
  float *velocity;           // or 0: none
  const float *squared_norm; // as above
  float limit, keep;         // as above
  float rate, momentum;
} sgd_arguments;

// Items: as above.
EXPORT(sgd)
uint32_t sgd(const sgd_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  vec clip = clip_factor(a->squared_norm, a->limit);
  for (uint32_t i = begin; i < end; i += LANES) {
    uint32_t left = end - i;
    vec g = load_upto(a->gradients + i, left) * clip;
    if (a->velocity) {
      g = madd(splat(a->momentum), load_upto(a->velocity + i, left), g);
      store_upto(a->velocity + i, g, left);
    }
    store_upto(a->parameters + i, splat(a->keep) * load_upto(a->parameters + i, left) - splat(a->rate) * g, left);
  }
  return NO_FAULT;
}

typedef struct {
  float *codebooks;    // [codewords, dimension]
  const float *sums;   // [codewords, dimension]
  const float *counts; // [codewords]
  float *usage;        // [codewords]
  uint32_t dimension;
  float decay, rest; // rest: 1 − decay
} ema_step_arguments;

// Codebooks by moving average (van den Oord et al., 2017). Items: codewords.
EXPORT(emaStep)
uint32_t ema_step(const ema_step_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  for (uint32_t item = begin; item < end; item++) {
    float count = a->counts[item], usage = a->decay * a->usage[item] + a->rest * count;
    a->usage[item] = usage;
    if (count == 0) continue;
    float *c = a->codebooks + (size_t)item * d;
    const float *sums = a->sums + (size_t)item * d;
    vec share = splat(a->rest / usage);
    for (uint32_t i = 0; i < d; i += LANES)
      store_upto(c + i, madd(share, load_upto(sums + i, d - i), load_upto(c + i, d - i)), d - i);
  }
  return NO_FAULT;
}
