struct Params {
  codebooksStart: u32,
  items: u32,
  dimension: u32,
  ip: u32,
  slot: u32,
  base: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> codebooks: array<f32>;
@group(0) @binding(2) var<storage, read_write> starts: array<f32>;
@group(0) @binding(3) var<storage, read_write> faults: array<atomic<u32>>;
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let codeword = params.codebooksStart + item * params.dimension;
  var squares = 0.0;
  for (var i = 0u; i < params.dimension; i++) {
    let value = codebooks[codeword + i];
    squares = fma(value, value, squares);
  }
  if (!finite(squares)) { fault(params.slot, params.base + item); }
  starts[item] = select(0.5 * squares, 0.0, params.ip != 0u);
}
