// What preparing a beam search and running it have in common: how the levels' codebooks lie side by side.
#pragma once

#include "nearest.h"

// Lanes of a level: its codewords, filled up to whole panels.
INLINE uint32_t lanes_of(uint32_t codewords) { return ceil_div(codewords, PANEL) * PANEL; }
// Floats of a level's panels, as pack_codebooks makes them.
INLINE size_t panel_floats(uint32_t codewords, uint32_t d) { return (size_t)lanes_of(codewords) * (1 + d); }

// Products of packed rows with `lanes` codewords, [rows, lanes]: x·c, and −½‖c‖² besides unless `plain`.
INLINE void multiply_panels(const float *packed, uint32_t rows, const float *panels, uint32_t lanes, uint32_t d, int plain,
                            float *out) {
  const float zeros[PANEL] = {0};
  uint32_t count = lanes / PANEL, step = panels_per_block(d);
  for (uint32_t first = 0; first < count; first += step) {
    uint32_t last = min_u32(count, first + step);
    for (uint32_t t = 0; t < rows; t += ROWS) {
      for (uint32_t p = first; p < last; p++) {
        const float *panel = panels + (size_t)p * (1 + d) * PANEL;
        tile sum = multiply(packed + (size_t)t * d, panel + PANEL, plain ? zeros : panel, d);
        float *to = out + (size_t)t * lanes + p * PANEL;
        UNROLL for (uint32_t r = 0; r < ROWS; r++) {
          if (t + r < rows) {
            UNROLL for (int v = 0; v < VECTORS; v++) store(to + (size_t)r * lanes + v * LANES, sum.at[r][v]);
          }
        }
      }
    }
  }
}
