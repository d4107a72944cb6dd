// The end of every scan: what the parts of the rows have found for a query, and earlier calls, becomes one list.
#include "neighbours.h"

typedef struct {
  const uint64_t *lists;        // [parts, queries, size], of which count each matter
  const int32_t *found_indices; // [queries, count], or 0
  const float *found_distances; // [queries, count], or 0
  int32_t *indices;             // [queries, count]
  float *distances;             // [queries, count]
  uint32_t queries, count, parts;
  uint32_t size; // keys of a list
} merge_neighbours_arguments;

// Sorts keys from..to, inclusive.
static void sort_keys(uint64_t *keys, uint32_t from, uint32_t to) {
  while (from + 12 < to) {
    uint32_t place = partition(keys, from, to);
    // The shorter side first, so that few calls are open at a time.
    if (place - from < to - place) {
      if (place > from) sort_keys(keys, from, place - 1);
      from = place + 1;
    } else {
      if (place < to) sort_keys(keys, place + 1, to);
      if (place == from) return;
      to = place - 1;
    }
  }
  for (uint32_t i = from + 1; i <= to; i++) {
    uint64_t key = keys[i];
    uint32_t place = i;
    for (; place > from && keys[place - 1] > key; place--) keys[place] = keys[place - 1];
    keys[place] = key;
  }
}

// Items: queries. Scratch: 8 · size bytes.
EXPORT(mergeNeighbours)
uint32_t merge_neighbours(const merge_neighbours_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t count = a->count;
  for (uint32_t query = begin; query < end; query++) {
    size_t out = (size_t)query * count;
    neighbours n = open_neighbours((uint64_t *)scratch, a->size, count, 0, 0);
    for (uint32_t part = 0; part < a->parts; part++) {
      const uint64_t *keys = a->lists + ((size_t)part * a->queries + query) * a->size;
      for (uint32_t i = 0; i < count; i++) offer_key(&n, keys[i]);
    }
    for (uint32_t i = 0; a->found_indices && i < count; i++)
      offer_row(&n, a->found_distances[out + i], (uint32_t)a->found_indices[out + i]);
    close_neighbours(&n);
    sort_keys(n.keys, 0, count - 1);
    for (uint32_t i = 0; i < count; i++) {
      a->indices[out + i] = (int32_t)key_index(n.keys[i]);
      a->distances[out + i] = key_distance(n.keys[i]);
    }
  }
  return NO_FAULT;
}
