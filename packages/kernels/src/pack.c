// Packing: codebooks into panels of PANEL codewords, dimension-major.
#include "screen.h"

typedef struct {
  const float *codebooks; // [groups, codewords, dimension]
  float *panels;          // [groups, ceil(codewords / PANEL), 1 + dimension, PANEL], then as many for screening
  uint32_t groups, codewords, dimension;
  uint32_t inner_product; // 0: squared L2
  uint32_t screened;      // 1: for screening too, see screen.h, where the target does that
} pack_codebooks_arguments;

// Each panel starts with what the register tile starts from, −½‖c‖² (0 under inner product), so that the largest
// x·c − ½‖c‖² is the nearest codeword. Lanes beyond the last codeword start at −∞ and never win.
//
// Items: panels. Fault: the codeword (counted over all groups) that is not finite or whose squared norm overflows.
// Scratch, where screened: 8 · (dimension + LANES) bytes.
EXPORT(packCodebooks)
uint32_t pack_codebooks(const pack_codebooks_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  uint32_t fault = NO_FAULT;
  uint32_t d = a->dimension, panels = ceil_div(a->codewords, PANEL);
  for (uint32_t item = begin; item < end; item++) {
    uint32_t group = item / panels, first = item % panels * PANEL;
    float *panel = a->panels + (size_t)item * (1 + d) * PANEL;
    for (uint32_t lane = 0; lane < PANEL; lane++) {
      if (first + lane >= a->codewords) {
        panel[lane] = -__builtin_inff();
        for (uint32_t i = 1; i <= d; i++) panel[i * PANEL + lane] = 0;
        continue;
      }
      uint32_t codeword = group * a->codewords + first + lane;
      const float *c = a->codebooks + (size_t)codeword * d;
      double norm = 0;
      for (uint32_t i = 0; i < d; i++) {
        norm += (double)c[i] * c[i];
        panel[(1 + i) * PANEL + lane] = c[i];
      }
      if (!is_finite((float)norm)) fault = min_u32(fault, codeword);
      panel[lane] = a->inner_product ? 0 : (float)(-0.5 * norm);
    }
#if DOT
    if (a->screened) {
      int32_t *screen = (int32_t *)(a->panels + (size_t)a->groups * panels * (1 + d) * PANEL) + item * screen_words(d);
      float *centre = (float *)scratch;
      pack_screen(a->codebooks + (size_t)group * a->codewords * d, a->codewords, first, d, a->inner_product, screen,
                  centre, (whole *)(centre + ceil_div(d, LANES) * LANES));
    }
#endif
  }
  return fault;
}
