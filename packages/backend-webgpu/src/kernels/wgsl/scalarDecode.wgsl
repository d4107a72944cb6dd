struct Params {
  codesStart: u32,
  lowerStart: u32,
  stepStart: u32,
  items: u32,
  width: u32,
  dimension: u32,
  bits: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(2) var<storage, read> lower: array<f32>;
@group(0) @binding(3) var<storage, read> step: array<f32>;
@group(0) @binding(4) var<storage, read_write> values: array<f32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let column = item % params.dimension;
  let bit = column * params.bits;
  let byte = params.codesStart + item / params.dimension * params.width + bit / 8u;
  let code = (codes[byte / 4u] >> (byte % 4u * 8u + bit % 8u)) & ((1u << params.bits) - 1u);
  values[item] = fma(f32(code), step[params.stepStart + column], lower[params.lowerStart + column]);
}
