struct Params {
  listsStart: u32,
  items: u32,
  lists: u32,
  count: u32,
  stride: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lists: array<u32>;
@group(0) @binding(2) var<storage, read_write> merged: array<u32>;
// Zeros of either sign are equal.
fn keyOf(distance: f32) -> u32 {
  var bits = bitcast<u32>(distance);
  if (bits == 0x80000000u) { bits = 0u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits & 0x80000000u) != 0u);
}

fn isBelow(one: vec2u, other: vec2u) -> bool {
  return one.x < other.x || (one.x == other.x && one.y < other.y);
}

fn entry(list: u32, place: u32) -> vec2u {
  let at = params.listsStart + 2u * (list * params.stride + place);
  return vec2u(lists[at], lists[at + 1u]);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
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
}
