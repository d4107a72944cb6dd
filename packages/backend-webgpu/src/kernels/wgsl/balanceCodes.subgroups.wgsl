enable subgroups;
requires subgroup_id;

struct Params {
  distancesStart: u32,
  scalingStart: u32,
  ofColumnsStart: u32,
  rows: u32,
  columns: u32,
  groups: u32,
  group: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> distances: array<f32>;
@group(0) @binding(2) var<storage, read> scaling: array<f32>;
@group(0) @binding(3) var<storage, read> ofColumns: array<f32>;
@group(0) @binding(4) var<storage, read_write> codes: array<i32>;
var<workgroup> pairs: array<vec2u, 64>;

// Zeros of either sign are equal.
fn keyOf(distance: f32) -> u32 {
  var bits = bitcast<u32>(distance);
  if (bits == 0x80000000u) { bits = 0u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits & 0x80000000u) != 0u);
}

fn isBelow(one: vec2u, other: vec2u) -> bool {
  return one.x < other.x || (one.x == other.x && one.y < other.y);
}

fn rowFirst(value: vec2u, lane: u32, reach: u32) -> vec2u {
  var own = value;
  if (reach < 64u) {
    pairs[lane] = own;
    workgroupBarrier();
    for (var distance = 32u; distance >= reach; distance /= 2u) {
      if (lane < distance) { pairs[lane] = select(pairs[lane], pairs[lane + distance], isBelow(pairs[lane + distance], pairs[lane])); }
      workgroupBarrier();
    }
    own = pairs[lane];
  }
  for (var distance = reach / 2u; distance > 0u; distance /= 2u) {
    own = select(own, subgroupShuffleXor(own, distance), isBelow(subgroupShuffleXor(own, distance), own));
  }
  if (reach < 64u) {
    if (lane == 0u) { pairs[0] = own; }
    workgroupBarrier();
    own = pairs[0];
    workgroupBarrier();
  }
  return own;
}

fn scoreOf(distance: f32) -> f32 {
  return (distance - scaling[0]) * scaling[1];
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_size) size: u32,
  @builtin(subgroup_invocation_id) place: u32,
) {
  let full = subgroups * size == 64u;
  let reach = select(1u, size, full);
  let lane = select(index, subgroup * size + place, full);
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  var best = -0x1.fffffep+127f;
  var found = 0u;
  // A lane sees its columns in their order, so of equal scores the first stays.
  for (var i = lane; i < params.columns; i += 64u) {
    let score = scoreOf(distances[params.distancesStart + start + i]) + ofColumns[i];
    if (score > best) {
      best = score;
      found = i;
    }
  }
  let first = rowFirst(vec2u(keyOf(-best), found), lane, reach);
  if (lane == 0u) { codes[row * params.groups + params.group] = i32(first.y); }
}
