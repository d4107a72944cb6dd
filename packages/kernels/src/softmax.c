// Distributions over the columns of each row: softmax with and without Gumbel noise, entropy, and their gradients.
#include "activation.h"
#include "logarithm.h"
#include "philox.h"
#include "rows.h"

// Numbers are the same however they are compared, so the order does not matter.
OUTLINE float row_largest(const float *x, uint32_t d) {
  float largest = x[0];
  uint32_t i = 0;
  if (d >= LANES) {
    vec most = load(x);
    for (i = LANES; i + LANES <= d; i += LANES) {
      vec values = load(x + i);
      most = select(values > most, values, most);
    }
    largest = largest_of(most);
  }
  for (; i < d; i++) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

OUTLINE void scale_row(const float *x, float *out, uint32_t d, float scale) {
  for (uint32_t i = 0; i < d; i += LANES) store_upto(out + i, load_upto(x + i, d - i) * splat(scale), d - i);
}

// e to the power of each value less the largest one, in place, and their sum. A value that is not finite spoils the row.
OUTLINE float exponentials(float *row, uint32_t d, float largest) {
  for (uint32_t i = 0; i < d; i += LANES)
    store_upto(row + i, exponential(load_upto(row + i, d - i) - splat(largest)), d - i);
  return row_sum(row, d);
}

// Adds scaled Gumbel noise to the elements of a tensor from the first on.
OUTLINE void add_noise(float *row, uint32_t d, uint32_t first, float scale, uint32_t seed, uint32_t call) {
  uint32_t words[4] = {0};
  float uniforms[LANES];
  for (uint32_t i = 0; i < d; i += LANES) {
    for (uint32_t lane = 0; lane < LANES; lane++) {
      uint32_t element = first + i + lane;
      if (element % 4 == 0 || i + lane == 0) {
        words[0] = element / 4, words[1] = call, words[2] = 0, words[3] = 4;
        philox(words, seed);
      }
      uniforms[lane] = ((float)(words[element % 4] >> 9) + 0.5f) * 0x1p-23f;
    }
    vec noise = -logarithm(-logarithm(load(uniforms)));
    store_upto(row + i, madd(splat(scale), noise, load_upto(row + i, d - i)), d - i);
  }
}

// What logits are multiplied by.
INLINE float scale_of(float scale, const float *unit) {
  const float least = 0x1p-60f;
  if (!unit) return scale;
  return scale / (*unit < least ? least : *unit);
}

typedef struct {
  const float *logits; // [rows, columns]
  const float *unit;   // one value, or 0 for 1
  float *out;          // [rows, columns]
  uint32_t columns;
  float scale;
  uint32_t noisy; // 0: without noise, and what follows is not used
  float noise_scale;
  uint32_t seed, call;
} softmax_arguments;

// Items: rows.
EXPORT(softmax)
uint32_t softmax(const softmax_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->columns;
  float scale = scale_of(a->scale, a->unit);
  for (uint32_t row = begin; row < end; row++) {
    const float *x = a->logits + (size_t)row * d;
    float *out = a->out + (size_t)row * d;
    scale_row(x, out, d, scale);
    if (a->noisy) add_noise(out, d, row * d, a->noise_scale, a->seed, a->call);
    float inverse = 1 / exponentials(out, d, row_largest(out, d));
    scale_row(out, out, d, inverse);
  }
  return NO_FAULT;
}

typedef struct {
  const float *probabilities; // [rows, columns]
  const float *gradient;      // [rows, columns]
  const float *unit;          // one value, or 0 for 1
  const float *shared;        // [columns], or 0
  float *out;                 // [rows, columns]
  uint32_t columns;
  float scale;
} softmax_gradient_arguments;

// scale / unit · p ⊙ (g − p·g). Items: rows.
EXPORT(softmaxGradient)
uint32_t softmax_gradient(const softmax_gradient_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->columns;
  vec scale = splat(scale_of(a->scale, a->unit));
  for (uint32_t row = begin; row < end; row++) {
    size_t at = (size_t)row * d;
    const float *p = a->probabilities + at, *g = a->gradient + at;
    float *out = a->out + at;
    vec products = {0};
    for (uint32_t i = 0; i < d; i += LANES) {
      uint32_t left = d - i;
      vec value = load_upto(g + i, left);
      if (a->shared) value += load_upto(a->shared + i, left);
      // Lanes beyond the last value are 0 in p.
      products = madd(load_upto(p + i, left), value, products);
      store_upto(out + i, value, left);
    }
    vec mean = splat(sum_of(products));
    for (uint32_t i = 0; i < d; i += LANES) {
      uint32_t left = d - i;
      vec weighted = scale * load_upto(p + i, left);
      store_upto(out + i, weighted * (load_upto(out + i, left) - mean), left);
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *probabilities; // [rows, columns]
  float *losses;              // [rows]
  float *gradient;            // [rows, columns]
  uint32_t columns;
  float weight;
} entropy_arguments;

// −Σ p ln p and −(ln p + 1), times the weight. Items: rows.
EXPORT(entropy)
uint32_t entropy(const entropy_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->columns;
  for (uint32_t row = begin; row < end; row++) {
    const float *p = a->probabilities + (size_t)row * d;
    float *gradient = a->gradient + (size_t)row * d;
    vec sums = {0};
    for (uint32_t i = 0; i < d; i += LANES) {
      vec value = load_upto(p + i, d - i);
      vec log = logarithm(select(value < splat(0x1p-126f), splat(0x1p-126f), value));
      sums = madd(value, log, sums);
      store_upto(gradient + i, splat(-a->weight) * (log + splat(1)), d - i);
    }
    a->losses[row] = -a->weight * sum_of(sums);
  }
  return NO_FAULT;
}

typedef struct {
  const float *similarities; // [rows, columns]
  float *losses;             // [rows]
  float *gradient;           // [rows, columns]
  uint32_t columns;
  float scale, weight;
} contrastive_loss_arguments;

// −ln p_ii of the softmax p of a row, and scale · (p − 1 at i), times the weight. Items: rows.
EXPORT(contrastiveLoss)
uint32_t contrastive_loss(const contrastive_loss_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->columns;
  for (uint32_t row = begin; row < end; row++) {
    const float *x = a->similarities + (size_t)row * d;
    float *gradient = a->gradient + (size_t)row * d;
    scale_row(x, gradient, d, a->scale);
    float largest = row_largest(gradient, d), own = gradient[row];
    float sum = exponentials(gradient, d, largest), factor = a->weight * a->scale;
    scale_row(gradient, gradient, d, factor / sum);
    gradient[row] -= factor;
    a->losses[row] = a->weight * (logarithm(splat(sum))[0] + (largest - own));
  }
  return NO_FAULT;
}
