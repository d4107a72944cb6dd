// Sums of rows by cluster. Threads share out columns, not rows, so every sum is taken in the order of the rows.
#include "kernels.h"

// Columns of a slice: a cache line.
#define SLICE 16

// Half a slice; a target with narrower vectors takes it in parts.
typedef double double8 __attribute__((vector_size(64)));
typedef double double8_any __attribute__((vector_size(64), aligned(8)));
typedef float float8 __attribute__((vector_size(32)));
typedef float float8_any __attribute__((vector_size(32), aligned(4)));

// Rows without columns still have counts.
INLINE uint32_t slices_of(uint32_t dimension) { return dimension ? ceil_div(dimension, SLICE) : 1; }

// sum += weight · x, for half a slice.
INLINE void add_half(double *sum, double weight, const float *x) {
  *(double8_any *)sum += weight * __builtin_convertvector((float8) * (const float8_any *)x, double8);
}

typedef struct {
  const float *x;       // [rows, groups · dimension]
  const int32_t *codes; // [rows, groups]
  const float *weights; // [rows], or 0: 1 each
  double *sums;         // [groups, slices, codewords, SLICE], slices = ceil(dimension / SLICE), at least 1
  double *counts;       // [groups, codewords]
  uint32_t groups, codewords, dimension;
  uint32_t first_row, last_row;
} cluster_sums_arguments;

// Adds rows first_row..last_row to the sums. Items: slices of all groups. Fault: the position of a code outside
// 0..codewords−1.
EXPORT(clusterSums)
uint32_t cluster_sums(const cluster_sums_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT;
  uint32_t slices = slices_of(a->dimension);
  size_t width = (size_t)a->groups * a->dimension;
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / slices, slice = item % slices;
    uint32_t columns = min_u32(SLICE, a->dimension - slice * SLICE);
    const float *from = a->x + (size_t)group * a->dimension + slice * SLICE;
    double *sums = a->sums + (size_t)item * a->codewords * SLICE;
    double *counts = slice == 0 ? a->counts + (size_t)group * a->codewords : 0;
    for (uint32_t row = a->first_row; row < a->last_row; row++) {
      uint32_t position = row * a->groups + group, code = (uint32_t)a->codes[position];
      if (code >= a->codewords) {
        fault = min_u32(fault, position);
        continue;
      }
      const float *x = from + row * width;
      double *sum = sums + (size_t)code * SLICE;
      double weight = a->weights ? a->weights[row] : 1;
      if (counts) counts[code] += weight;
      if (columns == SLICE) {
        UNROLL for (int i = 0; i < SLICE; i += SLICE / 2) add_half(sum + i, weight, x + i);
      } else if (columns == SLICE / 2) {
        add_half(sum, weight, x);
      } else {
        for (uint32_t i = 0; i < columns; i++) sum[i] += weight * x[i];
      }
    }
  }
  return fault;
}

typedef struct {
  const double *sums;   // as above
  const double *counts; // as above
  float *sums_out;      // [groups, codewords, dimension]
  float *counts_out;    // [groups, codewords]
  uint32_t groups, codewords, dimension;
} round_sums_arguments;

// Rounds the sums to float32, in their plain order. Items: codewords of all groups.
EXPORT(roundSums)
uint32_t round_sums(const round_sums_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension, slices = slices_of(d);
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / a->codewords, code = item % a->codewords;
    a->counts_out[item] = (float)a->counts[item];
    float *out = a->sums_out + (size_t)item * d;
    for (uint32_t slice = 0; slice < slices; slice++) {
      const double *sum = a->sums + (((size_t)group * slices + slice) * a->codewords + code) * SLICE;
      uint32_t columns = min_u32(SLICE, d - slice * SLICE);
      for (uint32_t i = 0; i < columns; i++) out[slice * SLICE + i] = (float)sum[i];
    }
  }
  return NO_FAULT;
}
