// What a beam search prepares once for all rows: codebooks about a common centre.
#include "kernels.h"

typedef struct {
  const float *codebook; // [codewords, dimension]
  float *centre;         // [dimension]
  uint32_t codewords, dimension;
} centre_codebook_arguments;

// A point amid the codewords, since products lose digits to an offset that all vectors share. It is their mean on a grid
// about as coarse as their deviation, so that values with few digits keep few: integers stay integers or halves.
//
// Items: columns.
EXPORT(centreCodebook)
uint32_t centre_codebook(const centre_codebook_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t column = begin; column < end; column++) {
    const float *values = a->codebook + column;
    double sum = 0, squares = 0;
    for (uint32_t k = 0; k < a->codewords; k++) sum += values[(size_t)k * a->dimension];
    double mean = sum / a->codewords;
    for (uint32_t k = 0; k < a->codewords; k++) {
      double deviation = values[(size_t)k * a->dimension] - mean;
      squares += deviation * deviation;
    }
    double step = 0x1p-126;
    while (step * step * a->codewords < squares) step *= 2;
    a->centre[column] = (float)(__builtin_rint(mean / step) * step);
  }
  return NO_FAULT;
}

typedef struct {
  const float *codebook; // [codewords, dimension]
  const float *centre;   // [dimension] to take away, or 0
  float *out;            // [codewords, dimension]
  uint32_t codewords, dimension;
} place_codebook_arguments;

// Items: codewords. Fault: the codeword that is not finite or whose squared norm overflows.
EXPORT(placeCodebook)
uint32_t place_codebook(const place_codebook_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT, d = a->dimension;
  for (uint32_t k = begin; k < end; k++) {
    const float *c = a->codebook + (size_t)k * d;
    float *out = a->out + (size_t)k * d;
    double norm = 0;
    for (uint32_t i = 0; i < d; i++) {
      norm += (double)c[i] * c[i];
      out[i] = a->centre ? c[i] - a->centre[i] : c[i];
    }
    if (!is_finite((float)norm)) fault = min_u32(fault, k);
  }
  return fault;
}
