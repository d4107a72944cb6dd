// Dropout by a counter-based generator: whether an element is kept depends on its place alone.
#include "kernels.h"

typedef struct {
  const float *x;
  float *out;
  uint32_t count;
  uint32_t threshold; // of the random words that keep an element
  float scale;
  uint32_t seed, call;
} dropout_arguments;

// Philox 4×32-10 (Salmon et al., 2011), as in core's random.ts.
INLINE void philox(uint32_t counter[4], uint32_t key) {
  uint32_t keys[2] = {key, 0};
  for (int round = 0; round < 10; round++) {
    uint64_t first = (uint64_t)0xd2511f53u * counter[0], second = (uint64_t)0xcd9e8d57u * counter[2];
    counter[0] = (uint32_t)(second >> 32) ^ counter[1] ^ keys[0];
    counter[1] = (uint32_t)second;
    counter[2] = (uint32_t)(first >> 32) ^ counter[3] ^ keys[1];
    counter[3] = (uint32_t)first;
    keys[0] += 0x9e3779b9u;
    keys[1] += 0xbb67ae85u;
  }
}

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
