// The end of every scan: what the parts of the rows have found for a query, and earlier calls, becomes one list.
#include "neighbours.h"

typedef struct {
  const uint64_t *lists;        // [parts, queries, count], ascending
  const int32_t *found_indices; // [queries, count], or 0
  const float *found_distances; // [queries, count], or 0
  int32_t *indices;             // [queries, count]
  float *distances;             // [queries, count]
  uint32_t queries, count, parts;
} merge_neighbours_arguments;

// Items: queries. Scratch: 8 · (count + WAITING) bytes.
EXPORT(mergeNeighbours)
uint32_t merge_neighbours(const merge_neighbours_arguments *a, uint32_t begin, uint32_t end, char *scratch) {
  uint32_t count = a->count;
  for (uint32_t query = begin; query < end; query++) {
    size_t out = (size_t)query * count;
    const uint64_t *nearest = a->lists + out;
    if (a->parts > 1 || a->found_indices) {
      uint64_t *list = (uint64_t *)scratch;
      neighbours n;
      open_neighbours(&n, list, list + count, count, 0, 0);
      for (uint32_t i = 0; i < count; i++) list[i] = nearest[i];
      n.last = list[count - 1];
      for (uint32_t part = 1; part < a->parts; part++) {
        const uint64_t *others = nearest + (size_t)part * a->queries * count;
        // They ascend, so that the first which is too far ends the list.
        for (uint32_t i = 0; i < count && others[i] < n.last; i++) offer_key(&n, others[i]);
      }
      for (uint32_t i = 0; a->found_indices && i < count; i++)
        offer_row(&n, a->found_distances[out + i], (uint32_t)a->found_indices[out + i]);
      absorb(&n);
      nearest = list;
    }
    for (uint32_t i = 0; i < count; i++) {
      a->indices[out + i] = (int32_t)key_index(nearest[i]);
      a->distances[out + i] = key_distance(nearest[i]);
    }
  }
  return NO_FAULT;
}
