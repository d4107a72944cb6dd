struct Params {
  listStart: u32,
  indicesStart: u32,
  distancesStart: u32,
  items: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;
@group(0) @binding(3) var<storage, read_write> distances: array<u32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let key = list[params.listStart + 2u * item];
  indices[params.indicesStart + item] = list[params.listStart + 2u * item + 1u];
  distances[params.distancesStart + item] = key ^ select(0xffffffffu, 0x80000000u, (key & 0x80000000u) != 0u);
}
