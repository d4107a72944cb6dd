struct Params {
  indicesStart: u32,
  distancesStart: u32,
  items: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;
@group(0) @binding(2) var<storage, read> distances: array<f32>;
@group(0) @binding(3) var<storage, read_write> list: array<u32>;
// Zeros of either sign are equal.
fn keyOf(distance: f32) -> u32 {
  var bits = bitcast<u32>(distance);
  if (bits == 0x80000000u) { bits = 0u; }
  return bits ^ select(0x80000000u, 0xffffffffu, (bits & 0x80000000u) != 0u);
}

fn isBelow(one: vec2u, other: vec2u) -> bool {
  return one.x < other.x || (one.x == other.x && one.y < other.y);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  var pair = vec2u(keyOf(distances[params.distancesStart + item]), indices[params.indicesStart + item]);
  if (pair.y == 0xffffffffu) { pair = vec2u(0xff800000u, 0xffffffffu); }
  list[2u * item] = pair.x;
  list[2u * item + 1u] = pair.y;
}
