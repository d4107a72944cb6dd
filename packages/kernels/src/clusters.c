// Sums of rows by cluster. Threads share out columns, not rows, so every sum is taken in the order of the rows.
#include "kernels.h"

// A slice of columns has a multiple of this many: a cache line.
#define LINE 16

// Half as many doubles as a vector has floats, and the floats that they are made of.
#define DOUBLES (LANES / 2)
typedef double doubles __attribute__((vector_size(8 * DOUBLES), aligned(8)));
typedef float halves __attribute__((vector_size(4 * DOUBLES), aligned(4)));

INLINE doubles widen(const float *p) { return __builtin_convertvector(*(const halves *)p, doubles); }

// Rows without columns still have counts.
INLINE uint32_t slices_of(uint32_t dimension, uint32_t slice) { return dimension ? ceil_div(dimension, slice) : 1; }

typedef struct {
  const float *x;       // [rows, groups · dimension]
  const int32_t *codes; // [rows, groups]
  const float *weights; // [rows], or 0: 1 each
  double *sums;         // [groups, slices, codewords, slice], slices = ceil(dimension / slice), at least 1
  double *counts;       // [groups, codewords]
  uint32_t groups, codewords, dimension;
  uint32_t slice; // columns, a multiple of LINE
  uint32_t first_row, last_row;
} cluster_sums_arguments;

INLINE void add_row(double *sum, const float *x, uint32_t columns, double weight, int weighted) {
  uint32_t i = 0;
  for (; i + LINE <= columns; i += LINE) {
    UNROLL for (int j = 0; j < LINE; j += DOUBLES) {
      doubles value = widen(x + i + j);
      *(doubles *)(sum + i + j) += weighted ? weight * value : value;
    }
  }
  for (; i + DOUBLES <= columns; i += DOUBLES) {
    doubles value = widen(x + i);
    *(doubles *)(sum + i) += weighted ? weight * value : value;
  }
  for (; i < columns; i++) sum[i] += weight * x[i];
}

// Adds rows first_row..last_row to the sums. Items: slices of all groups. Fault: the position of a code outside
// 0..codewords−1.
EXPORT(clusterSums)
uint32_t cluster_sums(const cluster_sums_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT;
  uint32_t slices = slices_of(a->dimension, a->slice);
  size_t width = (size_t)a->groups * a->dimension;
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / slices, slice = item % slices;
    uint32_t columns = min_u32(a->slice, a->dimension - slice * a->slice);
    const float *from = a->x + (size_t)group * a->dimension + slice * a->slice;
    double *sums = a->sums + (size_t)item * a->codewords * a->slice;
    double *counts = slice == 0 ? a->counts + (size_t)group * a->codewords : 0;
    for (uint32_t row = a->first_row; row < a->last_row; row++) {
      uint32_t position = row * a->groups + group, code = (uint32_t)a->codes[position];
      if (code >= a->codewords) {
        fault = min_u32(fault, position);
        continue;
      }
      double weight = a->weights ? a->weights[row] : 1;
      if (counts) counts[code] += weight;
      double *sum = sums + (size_t)code * a->slice;
      if (a->weights) add_row(sum, from + row * width, columns, weight, 1);
      else add_row(sum, from + row * width, columns, 1, 0);
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
  uint32_t slice; // as above
} round_sums_arguments;

// Rounds the sums to float32, in their plain order. Items: codewords of all groups.
EXPORT(roundSums)
uint32_t round_sums(const round_sums_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension, slices = slices_of(d, a->slice);
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / a->codewords, code = item % a->codewords;
    a->counts_out[item] = (float)a->counts[item];
    float *out = a->sums_out + (size_t)item * d;
    for (uint32_t slice = 0; slice < slices; slice++) {
      const double *sum = a->sums + (((size_t)group * slices + slice) * a->codewords + code) * a->slice;
      uint32_t columns = min_u32(a->slice, d - slice * a->slice);
      for (uint32_t i = 0; i < columns; i++) out[slice * a->slice + i] = (float)sum[i];
    }
  }
  return NO_FAULT;
}
