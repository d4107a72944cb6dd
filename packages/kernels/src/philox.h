// The generator of random words by counter (Salmon et al., 2011), as in core's random.ts.
#pragma once

#include "kernels.h"

// Philox 4×32-10 of a counter, in its place, under the key (key, 0).
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
