import { defineKernel, FLAT_MAIN } from "../kernel.js";

// Lists of neighbours: pairs of a key and an index, in the order of (key, index). A key is a distance as a whole number
// of the same order, since WGSL promises nothing about infinities. Places without a row hold +Infinity and the largest
// index, and so come last.

/** The pair of a place without a row: the key of +Infinity, and −1. */
export const NOBODY = "vec2u(0xff800000u, 0xffffffffu)";

export const KEYS = `
// Zeros of either sign are equal.
fn keyOf(distance: f32) -> u32 {
  var bits = bitcast<u32>(distance);
  if (bits == 0x80000000u) { bits = 0u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits & 0x80000000u) != 0u);
}

fn isBelow(one: vec2u, other: vec2u) -> bool {
  return one.x < other.x || (one.x == other.x && one.y < other.y);
}`.trim();

/** Items: places. A list of what earlier calls found. */
export const foundListKernel = defineKernel({
  name: "foundList",
  inputs: { indices: "u32", distances: "f32" },
  outputs: { list: "u32" },
  params: { items: "u32" },
  body: `
${KEYS}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  var pair = vec2u(keyOf(distances[params.distancesStart + item]), indices[params.indicesStart + item]);
  if (pair.y == 0xffffffffu) { pair = ${NOBODY}; }
  list[2u * item] = pair.x;
  list[2u * item + 1u] = pair.y;
}`,
});

/** Items: places. What a list says, as indices and the bits of distances. */
export const tellListKernel = defineKernel({
  name: "tellList",
  inputs: { list: "u32" },
  updates: { indices: "u32", distances: "u32" },
  outputs: {},
  params: { items: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let key = list[params.listStart + 2u * item];
  indices[params.indicesStart + item] = list[params.listStart + 2u * item + 1u];
  distances[params.distancesStart + item] = key ^ select(0xffffffffu, 0x80000000u, (key & 0x80000000u) != 0u);
}`,
});

/**
 * Items: (query, pair of lists, place in either). Makes one list of two, [queries, pairs, count] of [queries, lists,
 * stride]: the place of an entry is its own and the number of those below it in the other list. Of equal entries, those of
 * the first list come first.
 */
export const mergeListsKernel = defineKernel({
  name: "mergeLists",
  inputs: { lists: "u32" },
  outputs: { merged: "u32" },
  params: { items: "u32", lists: "u32", count: "u32", stride: "u32" },
  body: `
${KEYS}

fn entry(list: u32, place: u32) -> vec2u {
  let at = params.listsStart + 2u * (list * params.stride + place);
  return vec2u(lists[at], lists[at + 1u]);
}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let pairs = (params.lists + 1u) / 2u;
  let place = item % params.count;
  let side = item / params.count % 2u;
  let pair = item / (2u * params.count);
  let first = pair / pairs * params.lists + 2u * (pair % pairs);
  let alone = 2u * (pair % pairs) + 1u >= params.lists;
  if (alone && side == 1u) { return; }
  let own = entry(first + side, place);
  var low = 0u;
  var high = select(params.count, 0u, alone);
  while (low < high) {
    let middle = (low + high) / 2u;
    let other = entry(first + 1u - side, middle);
    let precedes = select(isBelow(other, own), !isBelow(own, other), side == 1u);
    if (precedes) { low = middle + 1u; } else { high = middle; }
  }
  if (place + low >= params.count) { return; }
  let to = 2u * (pair * params.count + place + low);
  merged[to] = own.x;
  merged[to + 1u] = own.y;
}`,
});
