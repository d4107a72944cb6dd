// Element by element.
#include "kernels.h"

typedef struct {
  uint32_t *out;
  uint32_t value;
} fill_arguments;

// Items: 4-byte words.
EXPORT(fill)
uint32_t fill(const fill_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t i = begin; i < end; i++) a->out[i] = a->value;
  return NO_FAULT;
}

typedef struct {
  const float *a;
  const float *b;
  float *out;
  float alpha, beta;
} combine_arguments;

// alpha · a + beta · b, each product rounded: the same bits on every target. Items: elements.
EXPORT(combine)
uint32_t combine(const combine_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t i = begin;
  for (; i + LANES <= end; i += LANES)
    store(a->out + i, splat(a->alpha) * load(a->a + i) + splat(a->beta) * load(a->b + i));
  for (; i < end; i++) a->out[i] = a->alpha * a->a[i] + a->beta * a->b[i];
  return NO_FAULT;
}

typedef struct {
  const char *from;
  char *out;
} copy_arguments;

// Items: bytes, at any address.
EXPORT(copy)
uint32_t copy_bytes(const copy_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t i = begin;
  for (; i + 4 * LANES <= end; i += 4 * LANES) __builtin_memcpy(a->out + i, a->from + i, 4 * LANES);
  for (; i < end; i++) a->out[i] = a->from[i];
  return NO_FAULT;
}
