struct Params {
  xStart: u32,
  codebooksStart: u32,
  codesStart: u32,
  distancesStart: u32,
  items: u32,
  groups: u32,
  count: u32,
  codewords: u32,
  dimension: u32,
  ip: u32,
  base: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> codebooks: array<f32>;
@group(0) @binding(3) var<storage, read> codes: array<i32>;
@group(0) @binding(4) var<storage, read_write> distances: array<f32>;
@group(0) @binding(5) var<storage, read_write> faults: array<atomic<u32>>;
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
  let position = item / params.count;
  let row = params.xStart + position * params.dimension;
  let number = (position % params.groups) * params.codewords + u32(codes[params.codesStart + item]);
  let codeword = params.codebooksStart + number * params.dimension;
  var squares = 0.0;
  var sum = 0.0;
  for (var i = 0u; i < params.dimension; i++) {
    let value = x[row + i];
    let other = codebooks[codeword + i];
    squares = fma(value, value, squares);
    if (params.ip != 0u) {
      sum = fma(-value, other, sum);
    } else {
      let difference = value - other;
      sum = fma(difference, difference, sum);
    }
  }
  if (!finite(squares)) { fault(0u, params.base + position); }
  distances[params.distancesStart + item] = sum;
}
