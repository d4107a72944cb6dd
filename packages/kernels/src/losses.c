// What a network's output costs, and how gradients pass a quantizer.
#include "rows.h"

enum { SQUARED, NORMALIZED, COSINE };

INLINE float length_of(const float *x, uint32_t d) { return __builtin_sqrtf(row_product(x, x, d)); }

typedef struct {
  const float *output; // [rows, dimension], y
  const float *target; // [rows, dimension], x
  float *losses;       // [rows]
  float *gradient;     // [rows, dimension]
  uint32_t dimension, kind;
  float weight;
} reconstruction_loss_arguments;

// The loss of each row and its gradient with respect to y, a·x + b·y for some a and b. Items: rows.
EXPORT(reconstructionLoss)
uint32_t reconstruction_loss(const reconstruction_loss_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  for (uint32_t row = begin; row < end; row++) {
    const float *y = a->output + (size_t)row * d, *x = a->target + (size_t)row * d;
    float *gradient = a->gradient + (size_t)row * d;
    if (a->kind == SQUARED) {
      float twice = 2 * a->weight;
      vec sums = {0};
      for (uint32_t i = 0; i < d; i += LANES) {
        vec difference = load_upto(y + i, d - i) - load_upto(x + i, d - i);
        sums = madd(difference, difference, sums);
        store_upto(gradient + i, splat(twice) * difference, d - i);
      }
      a->losses[row] = a->weight * sum_of(sums);
      continue;
    }
    // A row of zeros counts as if it had length 1.
    float length = length_of(y, d), towards = a->kind == COSINE ? length_of(x, d) : 1;
    if (length == 0) length = 1;
    if (towards == 0) towards = 1;
    float inverse = 1 / length, scale = 1 / towards;
    float along = row_product(y, x, d) * inverse * scale;
    float factor = a->weight * inverse * (a->kind == COSINE ? -1 : -2);
    vec sums = {0};
    for (uint32_t i = 0; i < d; i += LANES) {
      vec unit = load_upto(y + i, d - i) * splat(inverse), wanted = load_upto(x + i, d - i) * splat(scale);
      sums = madd(unit - wanted, unit - wanted, sums);
      store_upto(gradient + i, splat(factor) * (wanted - splat(along) * unit), d - i);
    }
    a->losses[row] = a->weight * (a->kind == COSINE ? 1 - along : sum_of(sums));
  }
  return NO_FAULT;
}

typedef struct {
  const float *z;         // [rows, dimension]
  const float *quantized; // [rows, dimension], q
  const float *gradient;  // [rows, dimension], g
  float *out;             // [rows, dimension]
  uint32_t dimension;
} rotate_gradient_arguments;

// λ(g − 2(r·g)r + 2(q̂·g)ẑ) of the rotation trick, see `rotateGradient` in core's training.ts. Items: rows.
EXPORT(rotateGradient)
uint32_t rotate_gradient(const rotate_gradient_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension;
  const float shortest = 1e-6f;
  for (uint32_t row = begin; row < end; row++) {
    size_t at = (size_t)row * d;
    const float *z = a->z + at, *q = a->quantized + at, *g = a->gradient + at;
    float of_z = length_of(z, d), of_q = length_of(q, d);
    // Where there is no direction, the inverses are not used.
    vec to_z = splat(1 / of_z), to_q = splat(1 / of_q);
    vec squares = {0}, along_sum = {0}, along_q = {0};
    for (uint32_t i = 0; i < d; i += LANES) {
      vec unit = load_upto(q + i, d - i) * to_q, sum = madd(load_upto(z + i, d - i), to_z, unit);
      vec value = load_upto(g + i, d - i);
      squares = madd(sum, sum, squares);
      along_sum = madd(sum, value, along_sum);
      along_q = madd(unit, value, along_q);
    }
    float square = sum_of(squares);
    int turns = !(of_z < shortest || of_q < shortest || square < shortest * shortest);
    vec scale = splat(of_q / of_z), by_sum = splat(2 * sum_of(along_sum) / square), by_z = splat(2 * sum_of(along_q));
    for (uint32_t i = 0; i < d; i += LANES) {
      vec value = load_upto(g + i, d - i), unit = load_upto(z + i, d - i) * to_z;
      vec sum = madd(load_upto(q + i, d - i), to_q, unit);
      vec turned = scale * (value - by_sum * sum + by_z * unit);
      store_upto(a->out + at + i, turns ? turned : value, d - i);
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *x;
  float *sums; // [ceil(count / chunk)]
  uint32_t count, chunk;
  uint32_t squared; // 1: of squares
} chunk_sums_arguments;

// The sums of chunks of values, or of their squares. Items: chunks.
EXPORT(chunkSums)
uint32_t chunk_sums(const chunk_sums_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t item = begin; item < end; item++) {
    const float *x = a->x + (size_t)item * a->chunk;
    uint32_t count = min_u32(a->chunk, a->count - item * a->chunk);
    a->sums[item] = a->squared ? row_product(x, x, count) : row_sum(x, count);
  }
  return NO_FAULT;
}
