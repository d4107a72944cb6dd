// Dropout by a counter-based generator: whether an element is kept depends on its place alone.
#include "philox.h"

typedef struct {
  const float *x;
  float *out;
  uint32_t count;
  uint32_t threshold; // of the random words that keep an element
  float scale;
  uint32_t seed, call;
} dropout_arguments;

// Items: four elements each.
EXPORT(dropout)
uint32_t dropout(const dropout_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t item = begin; item < end; item++) {
    uint32_t words[4] = {item, a->call, 0, 3};
    philox(words, a->seed);
    uint32_t count = min_u32(4, a->count - 4 * item);
    const float *x = a->x + (size_t)4 * item;
    float *out = a->out + (size_t)4 * item;
    for (uint32_t i = 0; i < count; i++) out[i] = words[i] >= a->threshold ? x[i] * a->scale : 0;
  }
  return NO_FAULT;
}
