struct Params {
  xStart: u32,
  codebooksStart: u32,
  codesStart: u32,
  items: u32,
  groups: u32,
  codewords: u32,
  dimension: u32,
  weight: f32,
  first: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> codebooks: array<f32>;
@group(0) @binding(3) var<storage, read> codes: array<i32>;
@group(0) @binding(4) var<storage, read_write> left: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;
@group(0) @binding(6) var<storage, read_write> pull: array<f32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let position = item / params.dimension;
  let codeword = (position % params.groups) * params.codewords + u32(codes[params.codesStart + position]);
  let chosen = codebooks[params.codebooksStart + codeword * params.dimension + item % params.dimension];
  let rest = x[params.xStart + item] - chosen;
  left[item] = rest;
  if (params.first != 0u) {
    output[item] = chosen;
    pull[item] = params.weight * rest;
  } else {
    output[item] += chosen;
    pull[item] += params.weight * rest;
  }
}
