// Codes of a batch that share its rows out evenly: Sinkhorn's iterations (Cuturi, 2013) on logarithms, which neither
// overflow nor vanish. An entry of the plan is score + what its row and its column add, the score being
// (distance − middle) · factor.
#include "activation.h"
#include "nearest.h"

typedef struct {
  const float *x;         // [rows, groups · dimension]
  const float *codebooks; // [groups, codewords, dimension]
  float *distances;       // [groups, rows, codewords]
  float *ranges;          // [groups, rows, 2]: the least and the largest distance of a row
  uint32_t rows, groups, codewords, dimension;
} balance_distances_arguments;

// Items: rows. Fault: the first row with a distance that is not finite.
EXPORT(balanceDistances)
uint32_t balance_distances(const balance_distances_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t d = a->dimension, fault = NO_FAULT;
  for (uint32_t row = begin; row < end; row++) {
    for (uint32_t group = 0; group < a->groups; group++) {
      const float *x = a->x + ((size_t)row * a->groups + group) * d;
      const float *codebook = a->codebooks + (size_t)group * a->codewords * d;
      size_t at = (size_t)group * a->rows + row;
      float *distances = a->distances + at * a->codewords, least = __builtin_inff(), largest = 0;
      for (uint32_t code = 0; code < a->codewords; code++) {
        float value = distances[code] = distance(x, codebook + (size_t)code * d, d, 0);
        if (!is_finite(value)) fault = min_u32(fault, row);
        if (value < least) least = value;
        if (value > largest) largest = value;
      }
      a->ranges[2 * at] = least;
      a->ranges[2 * at + 1] = largest;
    }
  }
  return fault;
}

typedef struct {
  const float *ranges; // as above
  float *scales;       // [groups, 2]: middle and factor, so that scores span −1/epsilon..1/epsilon
  uint32_t rows;
  float epsilon;
} balance_scales_arguments;

// Items: groups.
EXPORT(balanceScales)
uint32_t balance_scales(const balance_scales_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t group = begin; group < end; group++) {
    const float *ranges = a->ranges + 2 * (size_t)group * a->rows;
    float least = __builtin_inff(), largest = 0;
    for (uint32_t row = 0; row < a->rows; row++) {
      if (ranges[2 * row] < least) least = ranges[2 * row];
      if (ranges[2 * row + 1] > largest) largest = ranges[2 * row + 1];
    }
    float half = 0.5f * (largest - least), factor = -1 / (half * a->epsilon);
    a->scales[2 * group] = least + half;
    // Distances that are all the same leave nothing to choose by.
    a->scales[2 * group + 1] = is_finite(factor) ? factor : 0;
  }
  return NO_FAULT;
}

// ln x of a normal x above 0: x = m · 2^e with m between √½ and √2, and ln m = 2 artanh s by its series.
OUTLINE vec balance_log(vec x) {
  ivec e = ((ivec)x - splati(0x3f3504f3)) >> 23;
  vec m = (vec)((ivec)x - (e << 23));
  vec s = (m - splat(1)) / (m + splat(1)), square = s * s;
  vec sum = splat(2.0f / 9);
  sum = madd(sum, square, splat(2.0f / 7));
  sum = madd(sum, square, splat(2.0f / 5));
  sum = madd(sum, square, splat(2.0f / 3));
  sum = madd(sum, square, splat(2));
  return madd(__builtin_convertvector(e, vec), splat(0.69314718f), s * sum);
}

typedef struct {
  const float *distances; // [groups, rows, codewords]
  const float *scales;    // [groups, 2]
  const float *columns;   // [groups, codewords], what each column adds
  float *out;             // [groups, rows], what each row then adds
  uint32_t rows, codewords;
} balance_rows_arguments;

// Scores of a row from column i on; lanes beyond the last codeword come to nothing.
OUTLINE vec row_scores(const float *distances, const float *columns, const float *scale, uint32_t i, uint32_t left) {
  ivec lanes;
  UNROLL for (int lane = 0; lane < LANES; lane++) lanes[lane] = lane;
  vec scores = madd(load_upto(distances + i, left) - splat(scale[0]), splat(scale[1]), load_upto(columns + i, left));
  return left >= LANES ? scores : select(lanes < splati((int32_t)left), scores, splat(-__builtin_inff()));
}

// Makes every row sum to 1: −ln Σ e^score. Items: rows of all groups.
EXPORT(balanceRows)
uint32_t balance_rows(const balance_rows_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t k = a->codewords;
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / a->rows;
    const float *distances = a->distances + (size_t)item * k, *columns = a->columns + (size_t)group * k;
    const float *scale = a->scales + 2 * group;
    vec most = splat(-__builtin_inff()), sums = {0};
    for (uint32_t i = 0; i < k; i += LANES) {
      vec scores = row_scores(distances, columns, scale, i, k - i);
      most = select(scores > most, scores, most);
    }
    vec largest = splat(largest_of(most));
    for (uint32_t i = 0; i < k; i += LANES) sums += exponential(row_scores(distances, columns, scale, i, k - i) - largest);
    a->out[item] = (-largest - balance_log(splat(sum_of(sums))))[0];
  }
  return NO_FAULT;
}

typedef struct {
  const float *distances; // [groups, rows, codewords]
  const float *scales;    // [groups, 2]
  const float *added;     // [groups, rows], what each row adds
  float *out;             // [groups, codewords], what each column then adds
  uint32_t rows, codewords;
} balance_columns_arguments;

// Scores of a row's columns, as far as a vector goes.
OUTLINE vec column_scores(const float *distances, const float *added, const float *scale, uint32_t left) {
  return madd(load_upto(distances, left) - splat(scale[0]), splat(scale[1]), splat(*added));
}

// Makes every column sum to 1, each over its rows in their order. Items: panels of PANEL columns of all groups.
EXPORT(balanceColumns)
uint32_t balance_columns(const balance_columns_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t k = a->codewords, panels = ceil_div(k, PANEL);
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / panels, first = item % panels * PANEL;
    const float *distances = a->distances + (size_t)group * a->rows * k, *added = a->added + (size_t)group * a->rows;
    const float *scale = a->scales + 2 * group;
    for (uint32_t i = first; i < min_u32(first + PANEL, k); i += LANES) {
      uint32_t left = k - i;
      vec most = splat(-__builtin_inff()), sums = {0};
      for (uint32_t row = 0; row < a->rows; row++) {
        vec scores = column_scores(distances + (size_t)row * k + i, added + row, scale, left);
        most = select(scores > most, scores, most);
      }
      for (uint32_t row = 0; row < a->rows; row++) {
        vec scores = column_scores(distances + (size_t)row * k + i, added + row, scale, left);
        sums += exponential(scores - most);
      }
      store_upto(a->out + (size_t)group * k + i, -most - balance_log(sums), left);
    }
  }
  return NO_FAULT;
}

typedef struct {
  const float *distances; // [groups, rows, codewords]
  const float *scales;    // [groups, 2]
  const float *columns;   // [groups, codewords], what each column adds
  int32_t *codes;         // [rows, groups]
  uint32_t rows, groups, codewords;
} balance_codes_arguments;

// The largest entry of each row of the plan; what a row adds does not change which that is. Items: rows.
EXPORT(balanceCodes)
uint32_t balance_codes(const balance_codes_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t row = begin; row < end; row++) {
    for (uint32_t group = 0; group < a->groups; group++) {
      const float *distances = a->distances + ((size_t)group * a->rows + row) * a->codewords;
      const float *columns = a->columns + (size_t)group * a->codewords;
      float middle = a->scales[2 * group], factor = a->scales[2 * group + 1], best = -__builtin_inff();
      uint32_t found = 0;
      for (uint32_t code = 0; code < a->codewords; code++) {
        float score = (distances[code] - middle) * factor + columns[code];
        if (score > best) {
          best = score;
          found = code;
        }
      }
      a->codes[(size_t)row * a->groups + group] = (int32_t)found;
    }
  }
  return NO_FAULT;
}
