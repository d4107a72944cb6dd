// Rows by index: codewords by code, what the codes leave over, and rows of a matrix.
#include "kernels.h"

INLINE void copy(float *out, const float *from, uint32_t count) {
  uint32_t i = 0;
  for (; i + LANES <= count; i += LANES) store(out + i, load(from + i));
  for (; i < count; i++) out[i] = from[i];
}

INLINE void subtract(float *out, const float *a, const float *b, uint32_t count) {
  uint32_t i = 0;
  for (; i + LANES <= count; i += LANES) store(out + i, load(a + i) - load(b + i));
  for (; i < count; i++) out[i] = a[i] - b[i];
}

typedef struct {
  const float *codebooks; // [groups, codewords, dimension]
  const int32_t *codes;   // [rows, groups]
  float *out;             // [rows, groups · dimension]
  uint32_t groups, codewords, dimension;
} gather_arguments;

// Items: rows. Fault: the position in `codes` of one outside 0..codewords−1; its part of the result is left as it is.
EXPORT(gather)
uint32_t gather(const gather_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT;
  for (uint32_t row = begin; row < end; row++) {
    for (uint32_t group = 0; group < a->groups; group++) {
      uint32_t position = row * a->groups + group, code = (uint32_t)a->codes[position];
      if (code >= a->codewords) {
        fault = min_u32(fault, position);
        continue;
      }
      const float *c = a->codebooks + ((size_t)group * a->codewords + code) * a->dimension;
      copy(a->out + (size_t)position * a->dimension, c, a->dimension);
    }
  }
  return fault;
}

typedef struct {
  const float *x;         // [source_rows, groups · dimension]
  const float *codebooks; // [groups, codewords, dimension]
  const int32_t *codes;   // [rows, groups]
  const int32_t *parents; // [rows], or 0: row i belongs to row i
  float *out;             // [rows, groups · dimension]
  uint32_t groups, codewords, dimension, source_rows;
} residual_arguments;

// Items: rows. Fault: as for `gather`. Parents have been checked by `checkIndices`; one outside is left out.
EXPORT(residual)
uint32_t residual(const residual_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT;
  for (uint32_t row = begin; row < end; row++) {
    uint32_t parent = a->parents ? (uint32_t)a->parents[row] : row;
    if (parent >= a->source_rows) continue;
    for (uint32_t group = 0; group < a->groups; group++) {
      uint32_t position = row * a->groups + group, code = (uint32_t)a->codes[position];
      if (code >= a->codewords) {
        fault = min_u32(fault, position);
        continue;
      }
      const float *c = a->codebooks + ((size_t)group * a->codewords + code) * a->dimension;
      const float *x = a->x + ((size_t)parent * a->groups + group) * a->dimension;
      subtract(a->out + (size_t)position * a->dimension, x, c, a->dimension);
    }
  }
  return fault;
}

typedef struct {
  const int32_t *indices;
  uint32_t bound;
} check_indices_arguments;

// Items: indices. Fault: the position of one outside 0..bound−1.
EXPORT(checkIndices)
uint32_t check_indices(const check_indices_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t i = begin; i < end; i++)
    if ((uint32_t)a->indices[i] >= a->bound) return i;
  return NO_FAULT;
}

typedef struct {
  const float *x;         // [source_rows, columns]
  const int32_t *indices; // [rows]
  float *out;             // [rows, columns]
  uint32_t source_rows, columns;
} take_arguments;

// Items: rows. Fault: the position of an index outside the rows.
EXPORT(take)
uint32_t take(const take_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT;
  for (uint32_t row = begin; row < end; row++) {
    uint32_t index = (uint32_t)a->indices[row];
    if (index >= a->source_rows) {
      fault = min_u32(fault, row);
      continue;
    }
    copy(a->out + (size_t)row * a->columns, a->x + (size_t)index * a->columns, a->columns);
  }
  return fault;
}
