struct Params {
  tablesStart: u32,
  blocksStart: u32,
  scalesStart: u32,
  offsetsStart: u32,
  allowedStart: u32,
  probesStart: u32,
  foundStart: u32,
  queries: u32,
  shares: u32,
  count: u32,
  firstIndex: u32,
  hasAllowed: u32,
  hasFound: u32,
  zero: u32,
  hasScales: u32,
  hasOffsets: u32,
  firstRow: u32,
  rows: u32,
  columns: u32,
  entries: u32,
  bytes: u32,
  perQuery: u32,
  hasProbes: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tables: array<f32>;
@group(0) @binding(2) var<storage, read> blocks: array<u32>;
@group(0) @binding(3) var<storage, read> scales: array<f32>;
@group(0) @binding(4) var<storage, read> offsets: array<f32>;
@group(0) @binding(5) var<storage, read> allowed: array<u32>;
@group(0) @binding(6) var<storage, read> probes: array<u32>;
@group(0) @binding(7) var<storage, read> found: array<u32>;
@group(0) @binding(8) var<storage, read_write> lists: array<u32>;
var<workgroup> candidateKeys: array<u32, 128>;
var<workgroup> candidateIndices: array<u32, 128>;
var<workgroup> sortedKeys: array<u32, 128>;
var<workgroup> sortedIndices: array<u32, 128>;
var<workgroup> candidates: atomic<u32>;
var<workgroup> agreed: u32;
var<private> listOf: u32;

// Zeros of either sign are equal.
fn keyOf(distance: f32) -> u32 {
  var bits = bitcast<u32>(distance);
  if (bits == 0x80000000u) { bits = 0u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits & 0x80000000u) != 0u);
}

fn isBelow(one: vec2u, other: vec2u) -> bool {
  return one.x < other.x || (one.x == other.x && one.y < other.y);
}

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
  for (var i = lane; i < params.count; i += 128u) {
    var pair = vec2u(0xff800000u, 0xffffffffu);
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
  for (var i = lane; i < params.count; i += 128u) {
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
  for (var i = lane; i < params.count; i += 128u) { setEntry(0u, i, entry(1u, i)); }
}

fn takesPart(row: u32) -> bool {
  if (params.hasAllowed == 0u) { return true; }
  let byte = params.allowedStart + row / 8u;
  return ((allowed[byte / 4u] >> (8u * (byte % 4u) + row % 8u)) & 1u) != 0u;
}

// No compiler makes one operation of a product that passes here and the sum it goes into, as it cannot know the zero.
fn rounded(product: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(product) ^ params.zero);
}

fn scaled(distance: f32, row: u32) -> f32 {
  var value = distance;
  if (params.hasScales != 0u) { value = rounded(scales[params.scalesStart + row] * value); }
  if (params.hasOffsets != 0u) { value = value + offsets[params.offsetsStart + row]; }
  return value;
}

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

@compute @workgroup_size(128)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = workgroup.z * workgroups.x + workgroup.x;
  let share = workgroup.y;
  if (query >= params.queries) { return; }
  startList(query, share, lane);
  var side = 0u;
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
  for (var first = begin + share * 128u; first < end; first += params.shares * 128u) {
    let row = first + lane;
    let offers = row < end && takesPart(row);
    var key = 0u;
    if (offers) { key = keyOf(scaled(tableSum(query, row), row) + bias); }
    side = offer(side, offers, key, params.firstIndex + row, lane);
  }
  }
  finishList(side, lane);
}
