import { defineKernel, FLAT_MAIN } from "../kernel.js";
import { KEYS, NOBODY } from "./neighbours.js";
import {
  loadTiles,
  LANES_ACROSS,
  LANES_DOWN,
  TILE,
  TILE_MEMORY,
  tileDistances,
  tileProduct,
  PER_LANE,
  TILE_MAIN,
} from "./tile.js";

/**
 * Lanes of a workgroup that scans; each has one row at a time. Two waves of most GPUs: more would be compared with more
 * others where they sort themselves.
 */
export const SCAN_LANES = 128;

/**
 * A workgroup scans a share of the rows for one query and keeps the nearest in a list, in memory since it may hold
 * thousands. Rows that come before the last of the list are sorted by counting one another, and merged into the list's
 * other side; rows that do not, which soon is most blocks, cost two barriers.
 *
 * Lists are [queries, shares, 2 sides, count]; that of share 0 starts with what was found before.
 */
const LISTS = `
var<workgroup> candidateKeys: array<u32, ${SCAN_LANES}>;
var<workgroup> candidateIndices: array<u32, ${SCAN_LANES}>;
var<workgroup> sortedKeys: array<u32, ${SCAN_LANES}>;
var<workgroup> sortedIndices: array<u32, ${SCAN_LANES}>;
var<workgroup> candidates: atomic<u32>;
var<workgroup> agreed: u32;
var<private> listOf: u32;

${KEYS}

fn entry(side: u32, place: u32) -> vec2u {
  let at = 2u * ((2u * listOf + side) * params.count + place);
  return vec2u(lists[at], lists[at + 1u]);
}

fn setEntry(side: u32, place: u32, pair: vec2u) {
  if (place >= params.count) { return; }
  let at = 2u * ((2u * listOf + side) * params.count + place);
  lists[at] = pair.x;
  lists[at + 1u] = pair.y;
}

fn startList(query: u32, share: u32, lane: u32) {
  listOf = query * params.shares + share;
  for (var i = lane; i < params.count; i += ${SCAN_LANES}u) {
    var pair = ${NOBODY};
    if (share == 0u && params.hasFound != 0u) {
      let at = params.foundStart + 2u * (query * params.count + i);
      pair = vec2u(found[at], found[at + 1u]);
    }
    setEntry(0u, i, pair);
  }
  storageBarrier();
  workgroupBarrier();
}

// Offers one row of each lane that has one; returns the side of the list that is the list now.
fn offer(side: u32, offers: bool, key: u32, index: u32, lane: u32) -> u32 {
  let pair = vec2u(key, index);
  let valid = offers && isBelow(pair, entry(side, params.count - 1u));
  if (valid) {
    let place = atomicAdd(&candidates, 1u);
    candidateKeys[place] = key;
    candidateIndices[place] = index;
  }
  workgroupBarrier();
  if (lane == 0u) { agreed = atomicExchange(&candidates, 0u); }
  let count = workgroupUniformLoad(&agreed);
  if (count == 0u) { return side; }
  if (lane < count) {
    // The candidates lie in the order in which their lanes came; only their own order counts from here.
    let own = vec2u(candidateKeys[lane], candidateIndices[lane]);
    var rank = 0u;
    for (var i = 0u; i < count; i++) {
      let other = vec2u(candidateKeys[i], candidateIndices[i]);
      rank += u32(isBelow(other, own) || (all(other == own) && i < lane));
    }
    sortedKeys[rank] = own.x;
    sortedIndices[rank] = own.y;
  }
  workgroupBarrier();
  for (var i = lane; i < params.count; i += ${SCAN_LANES}u) {
    let own = entry(side, i);
    var low = 0u;
    var high = count;
    while (low < high) {
      let middle = (low + high) / 2u;
      if (isBelow(vec2u(sortedKeys[middle], sortedIndices[middle]), own)) { low = middle + 1u; } else { high = middle; }
    }
    setEntry(1u - side, i + low, own);
  }
  if (lane < count) {
    let own = vec2u(sortedKeys[lane], sortedIndices[lane]);
    var low = 0u;
    var high = params.count;
    while (low < high) {
      let middle = (low + high) / 2u;
      if (isBelow(own, entry(side, middle))) { high = middle; } else { low = middle + 1u; }
    }
    setEntry(1u - side, lane + low, own);
  }
  storageBarrier();
  workgroupBarrier();
  return 1u - side;
}

fn finishList(side: u32, lane: u32) {
  if (side == 0u) { return; }
  for (var i = lane; i < params.count; i += ${SCAN_LANES}u) { setEntry(0u, i, entry(1u, i)); }
}`.trim();

const MAIN = `
@compute @workgroup_size(${SCAN_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = workgroup.z * workgroups.x + workgroup.x;
  let share = workgroup.y;
  if (query >= params.queries) { return; }
  startList(query, share, lane);
  var side = 0u;`.trim();

/** Whether a row takes part, and what scales and offsets make of its distance, each step rounded. */
const ROWS = `
fn takesPart(row: u32) -> bool {
  if (params.hasAllowed == 0u) { return true; }
  let byte = params.allowedStart + row / 8u;
  return ((allowed[byte / 4u] >> (8u * (byte % 4u) + row % 8u)) & 1u) != 0u;
}`.trim();

const SCALING = `
// No compiler makes one operation of a product that passes here and the sum it goes into, as it cannot know the zero.
fn rounded(product: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(product) ^ params.zero);
}

fn scaled(distance: f32, row: u32) -> f32 {
  var value = distance;
  if (params.hasScales != 0u) { value = rounded(scales[params.scalesStart + row] * value); }
  if (params.hasOffsets != 0u) { value = value + offsets[params.offsetsStart + row]; }
  return value;
}`.trim();

/** Offers the rows `begin..end`, the blocks that are this share's turn; `distance` is that of `row`. */
const offerRows = (distance: string): string =>
  `
  for (var first = begin + share * ${SCAN_LANES}u; first < end; first += params.shares * ${SCAN_LANES}u) {
    let row = first + lane;
    let offers = row < end && takesPart(row);
    var key = 0u;
    if (offers) { key = keyOf(${distance}); }
    side = offer(side, offers, key, params.firstIndex + row, lane);
  }`.slice(1);

const PARAMS = {
  queries: "u32",
  shares: "u32",
  count: "u32",
  firstIndex: "u32",
  hasAllowed: "u32",
  hasFound: "u32",
} as const;

const SCALES = { zero: "u32", hasScales: "u32", hasOffsets: "u32" } as const;

/** Workgroups: (query, share). Distances are [queries, rows]. */
export const scanRowsKernel = defineKernel({
  name: "scanRows",
  inputs: { distances: "f32", scales: "f32", offsets: "f32", allowed: "u32", found: "u32" },
  outputs: { lists: "u32" },
  params: { ...PARAMS, ...SCALES, rows: "u32" },
  body: `
${LISTS}

${ROWS}

${SCALING}

${MAIN}
  let begin = 0u;
  let end = params.rows;
${offerRows("scaled(distances[query * params.rows + row], row)")}
  finishList(side, lane);
}`,
});

/**
 * Workgroups: (query, share). Probes are [queries, probes, 3]: start, end and the bits of the bias. They are about all rows, of
 * which those from `firstRow` on are given.
 */
export const scanTablesKernel = defineKernel({
  name: "scanTables",
  inputs: {
    tables: "f32",
    blocks: "u32",
    scales: "f32",
    offsets: "f32",
    allowed: "u32",
    probes: "u32",
    found: "u32",
  },
  outputs: { lists: "u32" },
  params: {
    ...PARAMS,
    ...SCALES,
    firstRow: "u32",
    rows: "u32",
    columns: "u32",
    entries: "u32",
    bytes: "u32",
    perQuery: "u32",
    hasProbes: "u32",
  },
  body: `
${LISTS}

${ROWS}

${SCALING}

fn tableSum(query: u32, row: u32) -> f32 {
  let block = params.blocksStart + row / 32u * params.bytes * 32u + row % 32u;
  var table = params.tablesStart + query * params.columns * params.entries;
  var sum = 0.0;
  for (var b = 0u; b < params.bytes; b++) {
    let at = block + 32u * b;
    let byte = (blocks[at / 4u] >> (8u * (at % 4u))) & 0xffu;
    if (params.entries == 256u) {
      sum += tables[table + byte];
    } else {
      sum += tables[table + byte % 16u];
      table += 16u;
      if (2u * b + 1u < params.columns) { sum += tables[table + byte / 16u]; }
    }
    table += params.entries;
  }
  return sum;
}

${MAIN}
  for (var probe = 0u; probe < params.perQuery; probe++) {
    var begin = 0u;
    var end = params.rows;
    var bias = 0.0;
    if (params.hasProbes != 0u) {
      let at = 3u * (query * params.perQuery + probe);
      begin = max(probes[at], params.firstRow) - params.firstRow;
      end = min(max(probes[at + 1u], params.firstRow) - params.firstRow, params.rows);
      bias = bitcast<f32>(probes[at + 2u]);
    }
${offerRows("scaled(tableSum(query, row), row) + bias")}
  }
  finishList(side, lane);
}`,
});

/** Workgroups: (query, share). The bits in which codes differ, four bytes at a time, wherever in a word they start. */
export const scanBitsKernel = defineKernel({
  name: "scanBits",
  inputs: { asked: "u32", codes: "u32", allowed: "u32", found: "u32" },
  outputs: { lists: "u32" },
  params: { ...PARAMS, rows: "u32", bytes: "u32" },
  body: `
${LISTS}

${ROWS}

fn askedAt(at: u32) -> u32 {
  let shift = 8u * (at % 4u);
  let low = asked[at / 4u] >> shift;
  if (shift == 0u) { return low; }
  return low | (asked[at / 4u + 1u] << (32u - shift));
}

fn codesAt(at: u32) -> u32 {
  let shift = 8u * (at % 4u);
  let low = codes[at / 4u] >> shift;
  if (shift == 0u) { return low; }
  return low | (codes[at / 4u + 1u] << (32u - shift));
}

fn differing(query: u32, row: u32) -> u32 {
  let one = params.askedStart + query * params.bytes;
  let other = params.codesStart + row * params.bytes;
  var bits = 0u;
  for (var b = 0u; b < params.bytes; b += 4u) {
    var difference = askedAt(one + b) ^ codesAt(other + b);
    let left = params.bytes - b;
    if (left < 4u) { difference &= (1u << (8u * left)) - 1u; }
    bits += countOneBits(difference);
  }
  return bits;
}

${MAIN}
  let begin = 0u;
  let end = params.rows;
${offerRows("f32(differing(query, row))")}
  finishList(side, lane);
}`,
});

/**
 * Items: probes, [queries, probes]. Packs them; fault 0 is the position of one that is no stretch of the rows, which is
 * empty then.
 */
export const packProbesKernel = defineKernel({
  name: "packProbes",
  inputs: { starts: "i32", ends: "i32", biases: "u32" },
  outputs: { probes: "u32" },
  params: { items: "u32", rows: "u32" },
  faulty: true,
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  var start = starts[params.startsStart + item];
  var end = ends[params.endsStart + item];
  if (start < 0 || start % 32 != 0 || end < start || u32(end) > params.rows) {
    fault(0u, item);
    start = 0;
    end = 0;
  }
  probes[3u * item] = u32(start);
  probes[3u * item + 1u] = u32(end);
  probes[3u * item + 2u] = biases[params.biasesStart + item];
}`,
});

/**
 * Workgroups: tiles of [queries, rows]. Distances computed directly, so that they keep their digits far from the origin,
 * and each read of a value serves 64 others.
 */
export const rowDistancesKernel = defineKernel({
  name: "rowDistances",
  inputs: { asked: "f32", rows: "f32" },
  outputs: { distances: "f32" },
  params: { queries: "u32", columns: "u32", dimension: "u32", pitch: "u32", ip: "u32" },
  body: `
${TILE_MEMORY}

fn loadQuery(query: u32, k: u32) -> f32 {
  if (query >= params.queries || k >= params.dimension) { return 0.0; }
  return asked[params.askedStart + query * params.pitch + k];
}

fn loadRow(row: u32, k: u32) -> f32 {
  if (row >= params.columns || k >= params.dimension) { return 0.0; }
  return rows[params.rowsStart + row * params.dimension + k];
}

fn store(query: u32, firstRow: u32, sums: vec4f) {
  for (var i = 0u; i < ${PER_LANE}u; i++) {
    let row = firstRow + i * ${LANES_ACROSS}u;
    if (query < params.queries && row < params.columns) { distances[query * params.columns + row] = sums[i]; }
  }
}

${TILE_MAIN}
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * ${TILE}u;
  let firstColumn = workgroup.y * ${TILE}u;
  var sums0 = vec4f();
  var sums1 = vec4f();
  var sums2 = vec4f();
  var sums3 = vec4f();
  for (var first = 0u; first < params.dimension; first += DEPTH) {
${loadTiles("loadQuery", "loadRow")}
    if (params.ip != 0u) {
${tileProduct("-")}
    } else {
${tileDistances()}
    }
  }
  let query = firstRow + lane.y;
  let column = firstColumn + lane.x;
  store(query, column, sums0);
  store(query + ${LANES_DOWN}u, column, sums1);
  store(query + ${2 * LANES_DOWN}u, column, sums2);
  store(query + ${3 * LANES_DOWN}u, column, sums3);
}`,
});
