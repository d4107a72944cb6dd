struct Params {
  xStart: u32,
  indicesStart: u32,
  items: u32,
  width: u32,
  rows: u32,
  first: u32,
  bound: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> out: array<u32>;
@group(0) @binding(4) var<storage, read_write> faults: array<atomic<u32>>;
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let position = item / params.width;
  let row = indices[params.indicesStart + position];
  if (row < 0 || u32(row) >= params.rows) {
    fault(0u, position);
    return;
  }
  if (u32(row) < params.first || u32(row) - params.first >= params.bound) { return; }
  out[item] = x[params.xStart + (u32(row) - params.first) * params.width + item % params.width];
}
