// The nearest rows that a query has met so far, by (distance, index), whatever the order in which it meets them.
//
// Rows that come nearer than the last of the nearest wait until there are some, and are then merged in at once. So most
// rows cost one comparison, and one that is kept costs little however many are asked for.
#pragma once

#include "kernels.h"

// A distance and an index in one number, so that comparing two of them compares the distances first.
#define NO_ROW 0xff800000ffffffffull // at infinity, index −1

// Rows that wait at most: `WAITING` of launch-scan.ts.
#define WAITING 64

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
  uint64_t *nearest; // [count], ascending
  uint64_t *waiting; // [WAITING]
  uint64_t last;     // only what is below it can be among the nearest
  uint32_t count, held, room;
} neighbours;

// Starts a query's list. `found` are the query's nearest rows of earlier calls, [count], or 0: what is not nearer than the
// last of them is of no use, but they themselves are merged in at the end.
INLINE void open_neighbours(neighbours *n, uint64_t *nearest, uint64_t *waiting, uint32_t count, const int32_t *found,
                            const float *distances) {
  for (uint32_t i = 0; i < count; i++) nearest[i] = NO_ROW;
  uint64_t last = found ? row_key(distances[count - 1], (uint32_t)found[count - 1]) : NO_ROW;
  uint32_t room = count < 16 ? 16 : min_u32(count, WAITING);
  *n = (neighbours){nearest, waiting, last < NO_ROW ? last : NO_ROW, count, 0, room};
}

// Merges in what waits.
__attribute__((noinline)) static void absorb(neighbours *n) {
  uint64_t *nearest = n->nearest, *waiting = n->waiting;
  for (uint32_t i = 1; i < n->held; i++) {
    uint64_t key = waiting[i];
    uint32_t place = i;
    for (; place > 0 && waiting[place - 1] > key; place--) waiting[place] = waiting[place - 1];
    waiting[place] = key;
  }
  // As many as wait have to go, from the end of either list.
  int32_t kept = (int32_t)n->count - 1, joining = (int32_t)n->held - 1;
  for (uint32_t i = 0; i < n->held; i++) {
    if (joining < 0 || (kept >= 0 && nearest[kept] > waiting[joining])) kept--;
    else joining--;
  }
  for (int32_t to = (int32_t)n->count - 1; joining >= 0; to--)
    nearest[to] = kept >= 0 && nearest[kept] > waiting[joining] ? nearest[kept--] : waiting[joining--];
  n->held = 0;
  uint64_t last = nearest[n->count - 1];
  if (last < n->last) n->last = last;
}

INLINE void offer_key(neighbours *n, uint64_t key) {
  if (key >= n->last) return;
  n->waiting[n->held++] = key;
  if (n->held == n->room) absorb(n);
}

INLINE void offer_row(neighbours *n, float distance, uint32_t index) { offer_key(n, row_key(distance, index)); }

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
