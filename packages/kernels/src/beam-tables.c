// What a beam search prepares once for all rows: codebooks about a common centre, and the products between levels.
#include "beam.h"

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

typedef struct {
  const float *codewords; // of all levels, [Σ sizes, dimension]
  const float *panels;    // of each level, as pack_codebooks makes them
  const uint32_t *sizes;  // [levels]
  float *tables;          // for each codeword of each level but the last: its products with the lanes of all later levels
  uint32_t levels, dimension;
} cross_tables_arguments;

// Items: codewords of all levels but the last. Scratch: 4 · ROW_BLOCK · dimension bytes.
EXPORT(crossTables)
uint32_t cross_tables(const cross_tables_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  float *packed = (float *)scratch, *table = a->tables;
  const float *codewords = a->codewords, *panels = a->panels;
  uint32_t d = a->dimension, later = 0;
  for (uint32_t l = 0; l < a->levels; l++) later += lanes_of(a->sizes[l]);
  for (uint32_t l = 0, start = 0; l + 1 < a->levels && start < end; start += a->sizes[l++]) {
    uint32_t size = a->sizes[l];
    later -= lanes_of(size);
    panels += panel_floats(size, d);
    uint32_t last = min_u32(end - start, size);
    for (uint32_t k = begin > start ? begin - start : 0; k < last; k += ROW_BLOCK) {
      uint32_t rows = min_u32(ROW_BLOCK, last - k);
      pack_rows(codewords + (size_t)k * d, rows, d, d, 1, packed);
      multiply_panels(packed, rows, panels, later, d, 1, table + (size_t)k * later);
    }
    codewords += (size_t)size * d;
    table += (size_t)size * later;
  }
  return NO_FAULT;
}
