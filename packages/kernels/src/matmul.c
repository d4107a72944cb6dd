// Matrix product by register tiles over packed panels. Every element is summed in the order of the inner dimension.
#include "activation.h"
#include "tile.h"

typedef struct {
  const float *a;      // [rows, inner], or its transpose
  const float *panels; // op(b), as pack_matrix makes them
  const float *bias;   // [columns], or 0
  const float *add;    // [rows, columns], or 0
  const float *before; // [rows, columns], what the activation was applied to: the result is multiplied by its derivative
                       // there. 0: the result is the activation
  float *pre;          // [rows, columns], where what the activation is applied to goes, or 0
  float *sums;         // [rows], the sums of the rows of op(a), or 0
  float *out;          // [rows, columns]
  uint32_t rows, inner, columns;
  uint32_t transposed;   // a is [inner, rows]
  uint32_t activation;
  uint32_t block_rows;   // rows of an item: up to ROW_BLOCK, a multiple of ROWS
  uint32_t block_panels; // panels of an item
} matmul_arguments;

// The sums of a vector of columns with their bias, if there is one, and the activation where that is all.
INLINE vec with_bias(const matmul_arguments *a, vec sum, const float *bias) {
  vec value = bias ? sum + load(bias) : sum;
  return a->activation == RELU && !a->before ? activate(RELU, value) : value;
}

INLINE void store_row(const matmul_arguments *a, const vec *sum, uint32_t row, uint32_t column) {
  float *out = a->out + (size_t)row * a->columns + column;
  const float *bias = a->bias ? a->bias + column : 0;
  uint32_t width = min_u32(PANEL, a->columns - column);
  if (width == PANEL) {
    UNROLL for (int v = 0; v < VECTORS; v++) store(out + v * LANES, with_bias(a, sum[v], bias ? bias + v * LANES : 0));
    return;
  }
  float values[PANEL], padded[PANEL] = {0};
  for (uint32_t i = 0; bias && i < width; i++) padded[i] = bias[i];
  UNROLL for (int v = 0; v < VECTORS; v++)
    store(values + v * LANES, with_bias(a, sum[v], bias ? padded + v * LANES : 0));
  for (uint32_t i = 0; i < width; i++) out[i] = values[i];
}

// What remains to be done with a block of the result, which is still in the cache.
static void finish_block(const matmul_arguments *a, uint32_t row, uint32_t rows, uint32_t column, uint32_t last) {
  for (uint32_t r = row; r < row + rows; r++) {
    for (uint32_t c = column; c < last; c += LANES) {
      size_t at = (size_t)r * a->columns + c;
      uint32_t left = last - c;
      vec value = load_upto(a->out + at, left);
      if (a->add) value += load_upto(a->add + at, left);
      if (a->pre) store_upto(a->pre + at, value, left);
      value = a->before ? through_activation(a->activation, value, load_upto(a->before + at, left))
                        : activate(a->activation, value);
      store_upto(a->out + at, value, left);
    }
  }
}

// The sums of packed rows.
INLINE void sum_rows(const float *packed, uint32_t rows, uint32_t inner, float *sums) {
  for (uint32_t t = 0; t < rows; t += ROWS, packed += (size_t)inner * ROWS) {
    float sum[ROWS] = {0};
    for (uint32_t p = 0; p < inner; p++) {
      UNROLL for (int r = 0; r < ROWS; r++) sum[r] += packed[p * ROWS + r];
    }
    for (uint32_t r = 0; r < ROWS && t + r < rows; r++) sums[t + r] = sum[r];
  }
}

// Items: blocks of block_rows × block_panels, row after row; without columns, blocks of rows. Scratch: 4 · ROW_BLOCK ·
// inner bytes.
EXPORT(matmul)
uint32_t matmul(const matmul_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  float *packed = (float *)scratch;
  const float zeros[PANEL] = {0};
  uint32_t panels = ceil_div(a->columns, PANEL), across = panels ? ceil_div(panels, a->block_panels) : 1;
  uint32_t step = PANEL_BYTES / (4 * PANEL * (a->inner + 1));
  if (step == 0) step = 1;
  int finished = !a->add && !a->before && a->activation <= RELU;
  size_t row_stride = a->transposed ? 1 : a->inner, stride = a->transposed ? a->rows : 1;
  uint32_t packed_row = NO_FAULT;
  for (uint32_t item = begin; item < end; item++) {
    uint32_t row = item / across * a->block_rows, first_panel = item % across * a->block_panels;
    uint32_t rows = min_u32(a->block_rows, a->rows - row);
    uint32_t last_panel = min_u32(panels, first_panel + a->block_panels);
    if (packed_row != row) pack_rows(a->a + row * row_stride, rows, a->inner, row_stride, stride, packed);
    packed_row = row;
    if (a->sums && first_panel == 0) sum_rows(packed, rows, a->inner, a->sums + row);
    for (uint32_t first = first_panel; first < last_panel; first += step) {
      uint32_t last = min_u32(last_panel, first + step);
      for (uint32_t t = 0; t < rows; t += ROWS) {
        for (uint32_t p = first; p < last; p++) {
          tile sum = multiply(packed + (size_t)t * a->inner, a->panels + (size_t)p * a->inner * PANEL, zeros, a->inner);
          UNROLL for (uint32_t r = 0; r < ROWS; r++)
            if (t + r < rows) store_row(a, sum.at[r], row + t + r, p * PANEL);
        }
      }
    }
    if (!finished) finish_block(a, row, rows, first_panel * PANEL, min_u32(a->columns, last_panel * PANEL));
  }
  return NO_FAULT;
}
