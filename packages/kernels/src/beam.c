// Beam search over the levels of a residual quantizer. A candidate is a choice of one codeword at each level so far. A
// level extends every candidate of a row by all its codewords and keeps the best of them.
//
// With r what a candidate leaves over of its row, extending it by c lowers ½‖r‖² by r·c − ½‖c‖²: the gain. There are two
// ways to r·c:
//
// - by tables: r·c = x·c − Σ c_m·c over the codewords c_m chosen so far. All candidates of a row share the products x·c,
//   and the c_m·c are looked up, so an extension costs one addition for each level before it;
// - by residuals: each candidate has its r at hand, and an extension costs a product.
#include "nearest.h"

typedef struct {
  const float *x;         // [rows, dimension]
  const float *first;     // the codebook of the first level as given
  const float *codewords; // of all levels, [Σ sizes, dimension]; those of the first less the centre
  const float *panels;    // of each level, as pack_codebooks makes them of the codewords
  const float *centre;    // [dimension], or 0
  const float *tables;    // of each level but the last: its products with all later codewords; or 0: by residuals
  const uint32_t *sizes;  // [levels]
  int32_t *codes;         // [levels, rows]
  float *distances;       // [levels, rows], what is left after each level
  uint32_t rows, dimension, levels;
  uint32_t beam;       // candidates to keep
  uint32_t block_rows; // rows to search at once, up to ROW_BLOCK
  uint32_t lanes;      // of the largest level
} beam_search_arguments;

// Lanes of a level: its codewords, filled up to whole panels.
INLINE uint32_t lanes_of(uint32_t codewords) { return ceil_div(codewords, PANEL) * PANEL; }

// Candidates of a block of rows.
typedef struct {
  uint32_t width;  // of each row
  float *gains;    // [rows, width], less that of the row's first one
  uint32_t *paths; // [rows, width, levels], their codes
  float *left;     // [rows, width, dimension], what they leave over; by tables: [rows, dimension], the rows
} candidates;

// A level, and where it is in what the levels share.
typedef struct {
  uint32_t index, size, lanes;
  const float *codewords, *panels;
} level;

// The products of a level's codewords with those of a later one: row k starts at start + k · stride.
typedef struct {
  const float *start;
  size_t stride;
} table;

// Room to work in.
typedef struct {
  uint64_t *kept;      // [beam], the best extensions of a row
  table *tables;       // [levels], by tables those of the levels before
  const float **known; // [levels], the rows of these that a candidate has chosen
  uint32_t *greedy;    // [rows], which candidate greedy encoding would have
  float *products;     // by tables [rows, lanes], x·c − ½‖c‖²; by residuals [rows, width, lanes], r·c − ½‖c‖²
  float *scores;       // [width, lanes], the gains by all extensions of a row
  float *packed;       // [ROW_BLOCK, dimension]
} room;

// Extensions in the order of their gain, equal ones by candidate, then by code: the better one has the larger key.
INLINE uint64_t key_of(float gain, uint32_t candidate, uint32_t code) {
  float value = gain + 0; // −0 becomes 0.
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  bits ^= bits >> 31 ? 0xffffffffu : 0x80000000u;
  return (uint64_t)bits << 32 | ~(candidate << 24 | code);
}

INLINE float gain_of(uint64_t key) {
  uint32_t bits = (uint32_t)(key >> 32);
  bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

INLINE uint32_t candidate_of(uint64_t key) { return ~(uint32_t)key >> 24; }
INLINE uint32_t code_of(uint64_t key) { return ~(uint32_t)key & 0xffffff; }

// Puts a key in the place of the root of a heap, which is the smallest.
INLINE void replace_root(uint64_t *heap, uint32_t count, uint64_t key) {
  uint32_t at = 0;
  for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && heap[child + 1] < heap[child]) child++;
    if (key <= heap[child]) break;
    heap[at] = heap[child];
  }
  heap[at] = key;
}

// Sorts a heap, the largest first.
INLINE void sort_heap(uint64_t *heap, uint32_t count) {
  while (count > 1) {
    uint64_t smallest = heap[0];
    count--;
    replace_root(heap, count, heap[count]);
    heap[count] = smallest;
  }
}

// a − b, and its squared norm.
INLINE float take_away(float *out, const float *a, const float *b, uint32_t d) {
  vec sums = {0};
  uint32_t i = 0;
  float sum = 0;
  for (; i + LANES <= d; i += LANES) {
    vec difference = load(a + i) - load(b + i);
    store(out + i, difference);
    sums = madd(difference, difference, sums);
  }
  for (; i < d; i++) {
    out[i] = a[i] - b[i];
    sum += out[i] * out[i];
  }
  // In the order of `distance`, whose bits these are.
  return sum + sum_of(sums);
}

// Copies a row less the centre. Returns whether it is finite and its squared norm does not overflow.
INLINE int place_row(float *out, const float *x, const float *centre, uint32_t d) {
  vec squares = {0};
  uint32_t i = 0;
  float sum = 0;
  for (; i + LANES <= d; i += LANES) {
    vec value = load(x + i);
    squares = madd(value, value, squares);
    store(out + i, centre ? value - load(centre + i) : value);
  }
  for (; i < d; i++) {
    sum += x[i] * x[i];
    out[i] = centre ? x[i] - centre[i] : x[i];
  }
  if (sum + sum_of(squares) < 0x1p100f) return 1;
  double norm = 0;
  for (i = 0; i < d; i++) norm += (double)x[i] * x[i];
  return is_finite((float)norm);
}

// The greatest gain in each lane of a panel.
typedef struct {
  vec at[VECTORS];
} peaks;

// The gains by extending one candidate of a row by every codeword.
INLINE void score(const beam_search_arguments *a, const candidates *from, const level *at, const room *room, uint32_t row,
                  uint32_t candidate, float *scores, peaks *peak) {
  size_t index = (size_t)row * from->width + candidate;
  const float *products = room->products + (a->tables ? row : index) * at->lanes;
  const float **known = room->known;
  uint32_t tables = a->tables ? at->index : 0;
  for (uint32_t m = 0; m < tables; m++)
    known[m] = room->tables[m].start + from->paths[index * a->levels + m] * room->tables[m].stride;
  vec gain = splat(from->gains[index]);
  for (uint32_t i = 0; i < at->lanes; i += PANEL) {
    vec sum[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) sum[v] = load(products + i + v * LANES) + gain;
    for (uint32_t m = 0; m < tables; m++) {
      UNROLL for (int v = 0; v < VECTORS; v++) sum[v] -= load(known[m] + i + v * LANES);
    }
    UNROLL for (int v = 0; v < VECTORS; v++) {
      store(scores + i + v * LANES, sum[v]);
      peak->at[v] = select(sum[v] > peak->at[v], sum[v], peak->at[v]);
    }
  }
}

// Finds the tables of the levels before this one: each has a row for each codeword, over the codewords of all later levels.
// Lanes without a codeword read on into what comes next; their gain is −∞ or NaN whatever they find.
INLINE void open_tables(const beam_search_arguments *a, const level *at, table *tables) {
  const float *start = a->tables;
  uint32_t later = 0, between = 0;
  for (uint32_t m = 0; m < a->levels; m++) later += a->sizes[m];
  for (uint32_t m = 0; m < at->index; m++) between += a->sizes[m];
  for (uint32_t m = 0; m < at->index; m++) {
    later -= a->sizes[m];
    between -= a->sizes[m];
    tables[m] = (table){start + between, later};
    start += (size_t)a->sizes[m] * later;
  }
}

// The `keep`-th greatest of the peaks, or −∞ if there are fewer: no lower gain can be among the `keep` best.
INLINE float threshold(const peaks *peak, uint32_t keep) {
  float values[PANEL];
  ivec ahead[VECTORS] = {0};
  UNROLL for (int v = 0; v < VECTORS; v++) store(values + v * LANES, peak->at[v]);
  if (keep > PANEL) return -__builtin_inff();
  for (int lane = 0; lane < PANEL; lane++) {
    UNROLL for (int v = 0; v < VECTORS; v++) ahead[v] -= splat(values[lane]) > peak->at[v];
  }
  vec least = splat(-__builtin_inff());
  UNROLL for (int v = 0; v < VECTORS; v++) {
    vec value = select(ahead[v] < splati((int32_t)keep), -peak->at[v], splat(-__builtin_inff()));
    least = select(value > least, value, least);
  }
  return -largest_of(least);
}

// The best extensions of a row's candidates, `keep` of them, best first.
INLINE void choose(const beam_search_arguments *a, const candidates *from, const level *at, const room *room, uint32_t row,
                   uint32_t keep) {
  uint64_t *kept = room->kept;
  peaks peak;
  UNROLL for (int v = 0; v < VECTORS; v++) peak.at[v] = splat(-__builtin_inff());
  for (uint32_t candidate = 0; candidate < from->width; candidate++)
    score(a, from, at, room, row, candidate, room->scores + (size_t)candidate * at->lanes, &peak);
  // What stays in a place that no extension takes, as products that overflow may leave it.
  for (uint32_t i = 0; i < keep; i++) kept[i] = key_of(-__builtin_inff(), 0, 0);
  float worst = threshold(&peak, keep);
  for (uint32_t candidate = 0; candidate < from->width; candidate++) {
    const float *scores = room->scores + (size_t)candidate * at->lanes;
    for (uint32_t i = 0; i < at->lanes; i += PANEL) {
      // Most panels have nothing to offer.
      vec top = load(scores + i);
      UNROLL for (int v = 1; v < VECTORS; v++) {
        vec other = load(scores + i + v * LANES);
        top = select(other > top, other, top);
      }
      if (!any(top >= splat(worst))) continue;
      UNROLL for (uint32_t v = 0; v < VECTORS; v++) {
        uint32_t first = i + v * LANES;
        for (uint32_t found = bits_of(load(scores + first) >= splat(worst)); found; found &= found - 1) {
          uint32_t code = first + (uint32_t)__builtin_ctz(found);
          uint64_t key = key_of(scores[code], candidate, code);
          if (key <= kept[0]) continue;
          replace_root(kept, keep, key);
          if (gain_of(kept[0]) > worst) worst = gain_of(kept[0]);
        }
      }
    }
  }
  sort_heap(kept, keep);
}

// Sees that the candidate of greedy encoding stays among the kept.
INLINE void keep_greedy(const level *at, const room *room, uint32_t row, uint32_t keep) {
  uint32_t greedy = room->greedy[row], best = 0;
  for (uint32_t i = 0; i < keep; i++) {
    if (candidate_of(room->kept[i]) != greedy) continue;
    // Of its extensions the best one comes first.
    room->greedy[row] = i;
    return;
  }
  const float *scores = room->scores + (size_t)greedy * at->lanes;
  for (uint32_t code = 1; code < at->size; code++)
    if (scores[code] > scores[best]) best = code;
  room->greedy[row] = keep - 1;
  room->kept[keep - 1] = key_of(scores[best], greedy, best);
}

// Makes a row's kept extensions its candidates.
INLINE void extend(const beam_search_arguments *a, const candidates *from, const level *at, const room *room, uint32_t row,
                   candidates *to) {
  uint32_t d = a->dimension, levels = a->levels;
  float norm = 0;
  for (uint32_t i = 0; i < to->width; i++) {
    size_t index = (size_t)row * to->width + i;
    uint64_t key = room->kept[i];
    uint32_t code = code_of(key);
    size_t parent = (size_t)row * from->width + candidate_of(key);
    for (uint32_t m = 0; m < at->index; m++) to->paths[index * levels + m] = from->paths[parent * levels + m];
    to->paths[index * levels + at->index] = code;
    // Counted from the first candidate's, gains stay small, and so do their roundings.
    if (a->tables) {
      to->gains[index] = gain_of(key) - gain_of(room->kept[0]);
      continue;
    }
    float own = take_away(to->left + index * d, from->left + parent * d, at->codewords + (size_t)code * d, d);
    if (i == 0) norm = own;
    to->gains[index] = 0.5f * (norm - own);
  }
}

// Writes a row's codes and what they leave over, computed directly.
INLINE void write_row(const beam_search_arguments *a, const uint32_t *path, uint32_t row, float *left) {
  uint32_t d = a->dimension;
  const float *from = a->x + (size_t)row * d, *codewords = a->first, *placed = a->codewords;
  for (uint32_t l = 0; l < a->levels; l++) {
    size_t out = (size_t)l * a->rows + row;
    a->codes[out] = (int32_t)path[l];
    a->distances[out] = take_away(left, from, codewords + (size_t)path[l] * d, d);
    from = left;
    placed += (size_t)a->sizes[l] * d;
    codewords = placed;
  }
}

// x·c − ½‖c‖² of packed rows and all lanes of a level, [rows, lanes].
INLINE void multiply_panels(const float *packed, uint32_t rows, const level *at, uint32_t d, float *out) {
  uint32_t lanes = at->lanes, count = lanes / PANEL, step = panels_per_block(d);
  for (uint32_t first = 0; first < count; first += step) {
    uint32_t last = min_u32(count, first + step);
    for (uint32_t t = 0; t < rows; t += ROWS) {
      for (uint32_t p = first; p < last; p++) {
        const float *panel = at->panels + (size_t)p * (1 + d) * PANEL;
        tile sum = multiply(packed + (size_t)t * d, panel + PANEL, panel, d);
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

// The products that a level's gains are made of.
INLINE void multiply_level(const beam_search_arguments *a, const candidates *from, const level *at, const room *room,
                           uint32_t rows) {
  uint32_t d = a->dimension, count = a->tables ? rows : rows * from->width;
  for (uint32_t i = 0; i < count; i += ROW_BLOCK) {
    uint32_t some = min_u32(ROW_BLOCK, count - i);
    // By tables these are the same rows at each level.
    if (!a->tables || at->index == 0) pack_rows(from->left + (size_t)i * d, some, d, d, 1, room->packed);
    multiply_panels(room->packed, some, at, d, room->products + (size_t)i * at->lanes);
  }
}

// Searches a block of placed rows, the first of which is row `first`.
INLINE void search(const beam_search_arguments *a, uint32_t first, uint32_t rows, const room *room, candidates *from,
                   candidates *to) {
  from->width = 1;
  for (uint32_t r = 0; r < rows; r++) {
    from->gains[r] = 0;
    room->greedy[r] = 0;
  }
  level at = {.codewords = a->codewords, .panels = a->panels};
  for (; at.index < a->levels; at.index++) {
    at.size = a->sizes[at.index];
    at.lanes = lanes_of(at.size);
    if (a->tables) open_tables(a, &at, room->tables);
    multiply_level(a, from, &at, room, rows);
    int last = at.index + 1 == a->levels;
    to->width = last ? 1 : min_u32(a->beam, from->width * min_u32(a->beam, at.size));
    for (uint32_t r = 0; r < rows; r++) {
      choose(a, from, &at, room, r, to->width);
      if (to->width > 1) keep_greedy(&at, room, r, to->width);
      extend(a, from, &at, room, r, to);
    }
    candidates *done = from;
    from = to;
    to = done;
    at.codewords += (size_t)at.size * a->dimension;
    at.panels += (size_t)at.lanes * (1 + a->dimension);
  }
  for (uint32_t r = 0; r < rows; r++) write_row(a, from->paths + (size_t)r * a->levels, first + r, to->left);
}

// Items: rows. Fault: the row. Scratch, with width = tables ? 1 : beam: 8 · beam + 24 · levels bytes and
// block_rows · (1 + 2 · beam · (1 + levels) + width · (2 · dimension + lanes)) + beam · lanes + ROW_BLOCK · dimension floats.
EXPORT(beamSearch)
uint32_t beam_search(const beam_search_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t fault = NO_FAULT, d = a->dimension, width = a->tables ? 1 : a->beam;
  size_t paths = (size_t)a->block_rows * a->beam, left = (size_t)a->block_rows * width * d;
  room room;
  candidates one, other;
  room.kept = (uint64_t *)scratch;
  room.tables = (table *)(room.kept + a->beam);
  room.known = (const float **)(room.tables + a->levels);
  room.greedy = (uint32_t *)(room.known + a->levels);
  one.paths = room.greedy + a->block_rows;
  other.paths = one.paths + paths * a->levels;
  one.gains = (float *)(other.paths + paths * a->levels);
  other.gains = one.gains + paths;
  one.left = other.gains + paths;
  other.left = one.left + left;
  room.products = other.left + left;
  room.scores = room.products + (size_t)a->block_rows * width * a->lanes;
  room.packed = room.scores + (size_t)a->beam * a->lanes;
  for (uint32_t row = begin; row < end; row += a->block_rows) {
    uint32_t rows = min_u32(a->block_rows, end - row);
    for (uint32_t r = 0; r < rows; r++) {
      const float *x = a->x + (size_t)(row + r) * d;
      if (!place_row(one.left + (size_t)r * d, x, a->centre, d)) fault = min_u32(fault, row + r);
    }
    search(a, row, rows, &room, &one, &other);
  }
  return fault;
}
