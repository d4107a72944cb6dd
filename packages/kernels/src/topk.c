// The several nearest codewords of each row, by the same scores as `assign`.
#include "nearest.h"

// What a row has found so far: scores in descending order, equal ones in the order of their codewords.
typedef struct {
  float score;
  uint32_t code;
} candidate;

INLINE void offer(candidate *list, uint32_t *found, uint32_t count, float score, uint32_t code) {
  if (*found == count && !(score > list[count - 1].score)) return;
  uint32_t place = *found < count ? (*found)++ : count - 1;
  // Codewords come in ascending order, so only a strictly higher score moves ahead.
  for (; place > 0 && score > list[place - 1].score; place--) list[place] = list[place - 1];
  list[place] = (candidate){score, code};
}

// Writes a row's list in the order of (distance, code); rounding may have put near neighbours the other way round.
INLINE void finish(const nearest_arguments *a, const candidate *list, const float *x, uint32_t group, size_t out) {
  int32_t *codes = a->codes + out;
  float *distances = a->distances + out;
  for (uint32_t i = 0; i < a->count; i++) {
    uint32_t code = list[i].code, place = i;
    const float *c = a->codebooks + ((size_t)group * a->codewords + code) * a->dimension;
    float value = distance(x, c, a->dimension, a->inner_product);
    for (; place > 0; place--) {
      float before = distances[place - 1];
      if (before < value || (before == value && (uint32_t)codes[place - 1] < code)) break;
      distances[place] = before;
      codes[place] = codes[place - 1];
    }
    distances[place] = value;
    codes[place] = (int32_t)code;
  }
}

// Items: rows. Fault: the row. Scratch: ROW_BLOCK · (4 · dimension + 8 · count + 4) bytes.
EXPORT(assignTopK)
uint32_t assign_top_k(const nearest_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t fault = NO_FAULT;
  uint32_t d = a->dimension, count = a->count;
  uint32_t panels = ceil_div(a->codewords, PANEL), step = panels_per_block(d);
  size_t width = (size_t)a->groups * d;
  candidate *lists = (candidate *)scratch;
  uint32_t *found = (uint32_t *)(lists + (size_t)ROW_BLOCK * count);
  float *packed = (float *)(found + ROW_BLOCK);
  for (uint32_t row = begin; row < end; row += ROW_BLOCK) {
    uint32_t rows = min_u32(ROW_BLOCK, end - row);
    for (uint32_t group = 0; group < a->groups; group++) {
      const float *x = a->x + row * width + group * d;
      const float *group_panels = a->panels + (size_t)group * panels * (1 + d) * PANEL;
      pack_rows(x, rows, d, width, 1, packed);
      uint32_t faulty = faulty_row(packed, rows, d);
      if (faulty != NO_FAULT) fault = min_u32(fault, row + faulty);
      for (uint32_t r = 0; r < ROW_BLOCK; r++) found[r] = 0;
      for (uint32_t first = 0; first < panels; first += step) {
        uint32_t last = min_u32(panels, first + step);
        for (uint32_t t = 0; t < rows; t += ROWS) {
          for (uint32_t p = first; p < last; p++) {
            const float *panel = group_panels + (size_t)p * (1 + d) * PANEL;
            tile sum = multiply(packed + (size_t)t * d, panel + PANEL, panel, d);
            uint32_t codes = min_u32(PANEL, a->codewords - p * PANEL);
            float scores[ROWS][PANEL];
            UNROLL for (int r = 0; r < ROWS; r++) {
              UNROLL for (int v = 0; v < VECTORS; v++) store(scores[r] + v * LANES, sum.at[r][v]);
            }
            for (uint32_t r = 0; r < ROWS && t + r < rows; r++) {
              candidate *list = lists + (size_t)(t + r) * count;
              if (found[t + r] == count) {
                // Most panels have nothing to offer once the list is good.
                vec worst = splat(list[count - 1].score);
                ivec better = load(scores[r]) > worst;
                for (int v = 1; v < VECTORS; v++) better |= load(scores[r] + v * LANES) > worst;
                if (!any(better)) continue;
              }
              for (uint32_t lane = 0; lane < codes; lane++)
                offer(list, found + t + r, count, scores[r][lane], p * PANEL + lane);
            }
          }
        }
      }
      for (uint32_t r = 0; r < rows; r++) {
        size_t out = ((size_t)(row + r) * a->groups + group) * count;
        finish(a, lists + (size_t)r * count, x + r * width, group, out);
      }
    }
  }
  return fault;
}
