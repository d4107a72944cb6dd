// The codebooks of a residual quantizer, forward and backward: all levels of a few rows while those are in the cache.
#include "nearest.h"

// What is said of each level.
typedef struct {
  uint32_t codewords;
  float pull_weight, sum_weight;
} quantizer_level;

typedef struct {
  const float *z;         // [rows, groups · dimension]
  const float *codebooks; // the levels one after another, each [groups, codewords, dimension]
  const float *panels;    // the levels one after another, each as pack_codebooks makes them
  const uint32_t *levels; // [count]
  int32_t *codes;         // [count, rows, groups]
  float *distances;       // [count, rows, groups]
  float *left;            // [count, rows, groups · dimension], what each level leaves over
  float *output;          // [rows, groups · dimension], Σ codewords
  float *pull;            // [rows, groups · dimension], Σ pull_weight · left
  uint32_t count, rows, groups, dimension;
} quantize_levels_arguments;

// Takes a level's codewords from its rows.
INLINE void take_level(const quantize_levels_arguments *a, const nearest_arguments *of, uint32_t index, float weight,
                       uint32_t begin, uint32_t end) {
  uint32_t d = a->dimension;
  float *left = a->left + (size_t)index * a->rows * a->groups * d;
  for (uint32_t slice = begin * a->groups; slice < end * a->groups; slice++) {
    const float *c = of->codebooks + ((size_t)(slice % a->groups) * of->codewords + (uint32_t)of->codes[slice]) * d;
    for (uint32_t i = 0; i < d; i += LANES) {
      size_t at = (size_t)slice * d + i;
      vec chosen = load_upto(c + i, d - i), rest = load_upto(of->x + at, d - i) - chosen, pulled = splat(weight) * rest;
      store_upto(left + at, rest, d - i);
      store_upto(a->output + at, index ? load_upto(a->output + at, d - i) + chosen : chosen, d - i);
      store_upto(a->pull + at, index ? load_upto(a->pull + at, d - i) + pulled : pulled, d - i);
    }
  }
}

// Items: rows. Fault: the row. Scratch: as for `assign`.
EXPORT(quantizeLevels)
uint32_t quantize_levels(const quantize_levels_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  const quantizer_level *levels = (const quantizer_level *)a->levels;
  uint32_t fault = NO_FAULT;
  nearest_arguments of = {
      .x = a->z,
      .codebooks = a->codebooks,
      .panels = a->panels,
      .codes = a->codes,
      .distances = a->distances,
      .groups = a->groups,
      .dimension = a->dimension,
      .count = 1,
  };
  for (uint32_t l = 0; l < a->count; l++) {
    of.codewords = levels[l].codewords;
    fault = min_u32(fault, assign(&of, begin, end, scratch));
    take_level(a, &of, l, levels[l].pull_weight, begin, end);
    of.x = a->left + (size_t)l * a->rows * a->groups * a->dimension;
    of.codebooks += (size_t)a->groups * of.codewords * a->dimension;
    of.panels += (size_t)a->groups * ceil_div(of.codewords, PANEL) * PANEL * (1 + a->dimension);
    of.codes += (size_t)a->rows * a->groups;
    of.distances += (size_t)a->rows * a->groups;
  }
  return fault;
}

typedef struct {
  const float *left;      // as above
  const int32_t *codes;   // as above
  const uint32_t *levels; // as above
  float *sums;            // as many as there are in the codebooks, or 0: none
  float *counts;          // [groups · Σ codewords]
  uint32_t count, rows, groups, dimension;
  uint32_t slice; // columns that an item sums
} level_sums_arguments;

// For each level, group and code: the rows that have it, and sum_weight · Σ left of those, summed in their order.
//
// Items: slices of the columns of each group of each level.
EXPORT(levelSums)
uint32_t level_sums(const level_sums_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  const quantizer_level *levels = (const quantizer_level *)a->levels;
  uint32_t d = a->dimension, slices = ceil_div(d, a->slice);
  for (uint32_t item = begin; item < end; item++) {
    uint32_t l = item / (slices * a->groups), group = item / slices % a->groups, column = item % slices * a->slice;
    uint32_t columns = min_u32(a->slice, d - column), codewords = levels[l].codewords;
    size_t first = (size_t)group * codewords;
    for (uint32_t i = 0; i < l; i++) first += (size_t)a->groups * levels[i].codewords;
    float *sums = a->sums ? a->sums + first * d + column : 0, *counts = column == 0 ? a->counts + first : 0;
    for (uint32_t code = 0; code < codewords; code++) {
      if (counts) counts[code] = 0;
      for (uint32_t i = 0; i < columns && sums; i += LANES)
        store_upto(sums + (size_t)code * d + i, splat(0), columns - i);
    }
    for (uint32_t row = 0; row < a->rows; row++) {
      size_t position = ((size_t)l * a->rows + row) * a->groups + group;
      uint32_t code = (uint32_t)a->codes[position];
      if (counts) counts[code]++;
      if (!sums) continue;
      float *sum = sums + (size_t)code * d;
      const float *left = a->left + position * d + column;
      for (uint32_t i = 0; i < columns; i += LANES)
        store_upto(sum + i, load_upto(sum + i, columns - i) + load_upto(left + i, columns - i), columns - i);
    }
    vec weight = splat(levels[l].sum_weight);
    for (uint32_t code = 0; code < codewords && sums; code++) {
      float *sum = sums + (size_t)code * d;
      for (uint32_t i = 0; i < columns; i += LANES)
        store_upto(sum + i, weight * load_upto(sum + i, columns - i), columns - i);
    }
  }
  return NO_FAULT;
}
