// The nearest rows that a query has met so far, by (distance, index), whatever the order in which it meets them.
//
// Keys that are near enough collect in a buffer, and whenever it is full the nearest of them are selected. So most rows
// cost one comparison, and one that is kept costs little however many are asked for.
#pragma once

#include "kernels.h"

// A distance and an index in one number, so that comparing two of them compares the distances first.
#define NO_ROW 0xff800000ffffffffull // at infinity, index −1

INLINE uint64_t row_key(float distance, uint32_t index) {
  // −0 counts as 0.
  float value = distance + 0.f;
  int32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  uint32_t rising = (uint32_t)(bits ^ ((bits >> 31) | (int32_t)0x80000000));
  // What is not a number is never near.
  return value == value ? (uint64_t)rising << 32 | index : ~0ull;
}

INLINE uint32_t key_index(uint64_t key) { return (uint32_t)key; }

INLINE float key_distance(uint64_t key) {
  int32_t rising = (int32_t)(key >> 32), bits = rising < 0 ? (int32_t)(rising ^ (int32_t)0x80000000) : ~rising;
  float distance;
  __builtin_memcpy(&distance, &bits, sizeof distance);
  return distance;
}

typedef struct {
  uint64_t *keys; // [size]
  uint64_t last;  // only what is below it can be among the nearest
  uint32_t count, held, size;
} neighbours;

// Starts a query's list in a buffer of `size` keys, more than `count`. `found` are the query's nearest rows of earlier
// calls, [count], or 0: what is not nearer than the last of them is of no use, but they are merged in only at the end.
INLINE neighbours open_neighbours(uint64_t *keys, uint32_t size, uint32_t count, const int32_t *found,
                                   const float *distances) {
  uint64_t last = found ? row_key(distances[count - 1], (uint32_t)found[count - 1]) : NO_ROW;
  return (neighbours){keys, last < NO_ROW ? last : NO_ROW, count, 0, size};
}

INLINE void exchange(uint64_t *keys, uint32_t i, uint32_t j) {
  uint64_t key = keys[i];
  keys[i] = keys[j];
  keys[j] = key;
}

// Parts keys from..to, inclusive, about one of them and returns its place. No step hangs on a comparison.
INLINE uint32_t partition(uint64_t *keys, uint32_t from, uint32_t to) {
  uint32_t middle = from + (to - from) / 2;
  if (keys[middle] < keys[from]) exchange(keys, middle, from);
  if (keys[to] < keys[from]) exchange(keys, to, from);
  // The median of the three goes to the end.
  if (keys[middle] < keys[to]) exchange(keys, middle, to);
  uint64_t pivot = keys[to];
  uint32_t place = from;
  for (uint32_t i = from; i < to; i++) {
    uint64_t key = keys[i];
    keys[i] = keys[place];
    keys[place] = key;
    place += key < pivot;
  }
  exchange(keys, place, to);
  return place;
}

// Leaves the `count` nearest of the keys that are held, the last of them at its place.
__attribute__((noinline)) static void select_nearest(neighbours *n) {
  if (n->held < n->count) return;
  uint32_t from = 0, to = n->held - 1, wanted = n->count - 1;
  while (from < to) {
    uint32_t place = partition(n->keys, from, to);
    if (place == wanted) break;
    if (place < wanted) from = place + 1;
    else to = place - 1;
  }
  n->held = n->count;
  if (n->keys[wanted] < n->last) n->last = n->keys[wanted];
}

// Whether a key is kept can hardly be foretold, so no step hangs on it.
INLINE void offer_key(neighbours *n, uint64_t key) {
  n->keys[n->held] = key;
  n->held += key < n->last;
  if (n->held == n->size) select_nearest(n);
}

INLINE void offer_row(neighbours *n, float distance, uint32_t index) {
  offer_key(n, row_key(distance, index));
}

// Ends a list: `count` keys, in no order, empty places included.
INLINE void close_neighbours(neighbours *n) {
  select_nearest(n);
  while (n->held < n->count) n->keys[n->held++] = NO_ROW;
}

// What an item of a scan is: some queries against some rows. Items of the same queries lie side by side.
typedef struct {
  uint32_t part; // of the rows
  uint32_t first, queries;
  uint32_t begin, end;
} scan_item;

INLINE scan_item item_of(uint32_t item, uint32_t queries, uint32_t block, uint32_t rows, uint32_t share) {
  uint32_t parts = rows == 0 ? 1 : ceil_div(rows, share), part = item % parts, first = item / parts * block;
  return (scan_item){part, first, min_u32(block, queries - first), part * share, min_u32(rows, (part + 1) * share)};
}

INLINE int is_allowed(const uint8_t *allowed, uint32_t row) { return !allowed || (allowed[row / 8] >> row % 8 & 1); }

// One bit for each of LANES rows that are allowed and before `end`, `row` being a multiple of LANES.
INLINE uint32_t allowed_lanes(const uint8_t *allowed, uint32_t row, uint32_t end) {
  uint32_t lanes = end <= row ? 0 : end - row >= LANES ? (1u << LANES) - 1 : (1u << (end - row)) - 1;
  if (!allowed || !lanes) return lanes;
  uint32_t bits = allowed[row / 8];
  if (LANES > 8 && end - row > 8) bits |= (uint32_t)allowed[row / 8 + 1] << 8;
  return bits >> row % 8 & lanes;
}
