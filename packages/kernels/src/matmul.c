// Matrix product by register tiles over packed panels. Every element is summed in the order of the inner dimension.
#include "activation.h"
#include "tile.h"

// How much of the inner dimension is done before its next stretch: a panel of it stays in the L1 cache, beside a tile's
// rows, for all rows of a block.
#define STRETCH (2 * PANEL_BYTES / (4 * PANEL))

// LANES rows of a panel from PANEL columns, whose values lie side by side.
INLINE void pack_columns(const float *b, size_t column_stride, float *panel) {
  UNROLL for (int v = 0; v < VECTORS; v++) {
    vec square[LANES];
    UNROLL for (int lane = 0; lane < LANES; lane++) square[lane] = load(b + (v * LANES + lane) * column_stride);
    transpose(square);
    UNROLL for (int i = 0; i < LANES; i++) store(panel + i * PANEL + v * LANES, square[i]);
  }
}

// Packs PANEL columns of op(b), from `first` on, and of them the rows `from` to `to`, as [to − from, PANEL]; beyond the
// last column is 0.
//
// b: [inner, columns], or its transpose
OUTLINE void pack_panel(const float *b, uint32_t inner, uint32_t columns, uint32_t transposed, uint32_t first,
                        uint32_t from, uint32_t to, float *panel) {
  size_t row = transposed ? 1 : columns, column = transposed ? inner : 1;
  uint32_t width = min_u32(PANEL, columns - first), rows = to - from, i = 0;
  b += first * column + from * row;
  if (width == PANEL && transposed) {
    for (; i + LANES <= rows; i += LANES) pack_columns(b + i, column, panel + i * PANEL);
  } else if (width == PANEL) {
    for (; i < rows; i++) {
      UNROLL for (int v = 0; v < VECTORS; v++) store(panel + i * PANEL + v * LANES, load(b + i * row + v * LANES));
    }
  }
  for (; i < rows; i++) {
    for (uint32_t lane = 0; lane < PANEL; lane++)
      panel[i * PANEL + lane] = lane < width ? b[i * row + lane * column] : 0;
  }
}

typedef struct {
  const float *b; // [inner, columns], or its transpose
  float *panels;  // [ceil(columns / PANEL), inner, PANEL]
  uint32_t inner, columns;
  uint32_t transposed;
} pack_matrix_arguments;

// Items: panels.
EXPORT(packMatrix)
uint32_t pack_matrix(const pack_matrix_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  (void)scratch;
  for (uint32_t item = begin; item < end; item++)
    pack_panel(a->b, a->inner, a->columns, a->transposed, item * PANEL, 0, a->inner,
               a->panels + (size_t)item * a->inner * PANEL);
  return NO_FAULT;
}

typedef struct {
  const float *a;      // [rows, inner], or its transpose
  const float *b;      // [inner, columns], or its transpose
  const float *panels; // op(b), as pack_matrix makes them, or 0: each item packs its own
  const float *bias;   // [columns], or 0
  const float *add;    // [rows, columns], or 0
  const float *before; // [rows, columns], what the activation was applied to: the result is multiplied by its
                       // derivative there. 0: the result is the activation
  float *pre;          // [rows, columns], where what the activation is applied to goes, or 0
  float *sums;         // [rows], the sums of the rows of op(a), or 0
  float *out;          // [rows, columns]
  uint32_t rows, inner, columns;
  uint32_t transposed_a, transposed_b;
  uint32_t activation;
  uint32_t block_rows;   // rows of an item: up to ROW_BLOCK, a multiple of ROWS
  uint32_t block_panels; // panels of an item
} matmul_arguments;

OUTLINE void copy_block(const float *from, size_t from_stride, float *to, size_t to_stride, uint32_t rows,
                        uint32_t columns) {
  for (uint32_t r = 0; r < rows; r++) {
    for (uint32_t c = 0; c < columns; c++) to[r * to_stride + c] = from[r * from_stride + c];
  }
}

// Adds a stretch of the inner dimension, `from` to `to`, to `count` rows of a panel's columns, whose sums so far are in
// `out`. `rows`, at least as many, is known where this is compiled.
//
// panel: the stretch of it
INLINE void add_stretch(const matmul_arguments *a, int rows, const float *x, const float *panel, uint32_t from,
                        uint32_t to, uint32_t row, uint32_t count, uint32_t column) {
  // At the edges of the result a tile is made beside it.
  float edge[ROWS * PANEL], edge_bias[PANEL];
  uint32_t width = min_u32(PANEL, a->columns - column);
  int whole = count >= (uint32_t)rows && width == PANEL, last = to == a->inner;
  float *result = a->out + (size_t)row * a->columns + column, *out = whole ? result : edge;
  const float *bias = last && a->bias ? a->bias + column : 0;
  size_t stride = whole ? a->columns : PANEL;
  if (!whole && from > 0) copy_block(result, a->columns, edge, PANEL, count, width);
  if (!whole && bias) {
    copy_block(bias, 0, edge_bias, 0, 1, width);
    bias = edge_bias;
  }
  tile sum;
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < VECTORS; v++) sum.at[r][v] = from > 0 ? load(out + r * stride + v * LANES) : splat(0);
  }
  accumulate(&sum, rows, x + (size_t)from * ROWS, panel, to - from);
  if (bias) {
    UNROLL for (int v = 0; v < VECTORS; v++) {
      vec added = load(bias + v * LANES);
      UNROLL for (int r = 0; r < rows; r++) sum.at[r][v] += added;
    }
  }
  if (last && a->activation == RELU && !a->before) {
    // Not the other way round: NaN must stay NaN.
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int v = 0; v < VECTORS; v++)
        sum.at[r][v] = select(sum.at[r][v] < splat(0), splat(0), sum.at[r][v]);
    }
  }
  UNROLL for (int r = 0; r < rows; r++) {
    UNROLL for (int v = 0; v < VECTORS; v++) store(out + r * stride + v * LANES, sum.at[r][v]);
  }
  if (!whole) copy_block(edge, PANEL, result, a->columns, count, width);
}

// Few rows in a tile of their own, where a whole one would be mostly empty: eight sums keep two multipliers busy.
#define FEW_ROWS 4
#define HAS_FEW (ROWS > 2 * FEW_ROWS)

// All panels of an item, for its packed rows. What they have of a stretch is packed when its turn comes, unless it is
// already.
//
// own: 2 · PANEL_BYTES
INLINE void multiply_block(const matmul_arguments *a, const float *packed, float *own, uint32_t row, uint32_t rows,
                           uint32_t first_panel, uint32_t last_panel) {
  uint32_t depth = min_u32(a->inner, STRETCH), step = PANEL_BYTES / (4 * PANEL * (depth + 1)), from = 0;
  if (step == 0) step = 1;
  do {
    uint32_t to = min_u32(a->inner, from + STRETCH);
    for (uint32_t first = first_panel; first < last_panel; first += step) {
      uint32_t last = min_u32(last_panel, first + step);
      const float *panels = own;
      size_t stride = (size_t)(to - from) * PANEL;
      if (a->panels) {
        stride = (size_t)a->inner * PANEL;
        panels = a->panels + first * stride + (size_t)from * PANEL;
      } else {
        for (uint32_t p = first; p < last; p++)
          pack_panel(a->b, a->inner, a->columns, a->transposed_b, p * PANEL, from, to, own + (p - first) * stride);
      }
      for (uint32_t t = 0; t < rows; t += ROWS) {
        const float *x = packed + (size_t)t * a->inner;
        uint32_t count = min_u32(ROWS, rows - t);
        for (uint32_t p = first; p < last; p++) {
          const float *panel = panels + (p - first) * stride;
#if HAS_FEW
          if (count <= 2 * FEW_ROWS) {
            for (uint32_t few = 0; few < count; few += FEW_ROWS) {
              uint32_t left = min_u32(FEW_ROWS, count - few);
              add_stretch(a, FEW_ROWS, x + few, panel, from, to, row + t + few, left, p * PANEL);
            }
            continue;
          }
#endif
          add_stretch(a, ROWS, x, panel, from, to, row + t, count, p * PANEL);
        }
      }
    }
    from = to;
  } while (from < a->inner);
}

// What remains to be done with a block of the result, which is still in the cache.
OUTLINE void finish_block(const matmul_arguments *a, uint32_t row, uint32_t rows, uint32_t column, uint32_t last) {
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

// The sums of packed rows. Reads up to LANES values beyond them.
INLINE void sum_packed_rows(const float *packed, uint32_t rows, uint32_t inner, float *sums) {
  for (uint32_t t = 0; t < rows; t += ROWS, packed += (size_t)inner * ROWS) {
    float values[ROWS + LANES];
    UNROLL for (int v = 0; v < ROWS; v += LANES) {
      vec sum = {0};
      for (uint32_t p = 0; p < inner; p++) sum += load(packed + p * ROWS + v);
      store(values + v, sum);
    }
    for (uint32_t r = 0; r < ROWS && t + r < rows; r++) sums[t + r] = values[r];
  }
}

// Items: blocks of block_rows × block_panels, row after row; without columns, blocks of rows. Scratch: 4 · (ROW_BLOCK ·
// inner + LANES) bytes, and where items pack their own panels, 2 · PANEL_BYTES more.
EXPORT(matmul)
uint32_t matmul(const matmul_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  float *packed = (float *)scratch, *own = packed + (size_t)ROW_BLOCK * a->inner + LANES;
  uint32_t panels = ceil_div(a->columns, PANEL), across = panels ? ceil_div(panels, a->block_panels) : 1;
  int finished = !a->add && !a->before && a->activation <= RELU;
  size_t row_stride = a->transposed_a ? 1 : a->inner, stride = a->transposed_a ? a->rows : 1;
  uint32_t packed_row = NO_FAULT;
  for (uint32_t item = begin; item < end; item++) {
    uint32_t row = item / across * a->block_rows, first = item % across * a->block_panels;
    uint32_t rows = min_u32(a->block_rows, a->rows - row), last = min_u32(panels, first + a->block_panels);
    if (packed_row != row) pack_rows(a->a + row * row_stride, rows, a->inner, row_stride, stride, packed);
    packed_row = row;
    if (a->sums && first == 0) sum_packed_rows(packed, rows, a->inner, a->sums + row);
    multiply_block(a, packed, own, row, rows, first, last);
    if (!finished) finish_block(a, row, rows, first * PANEL, min_u32(a->columns, last * PANEL));
  }
  return NO_FAULT;
}
