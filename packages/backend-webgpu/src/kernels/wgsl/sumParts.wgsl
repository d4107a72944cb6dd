struct Params {
  partialsStart: u32,
  sumsStart: u32,
  items: u32,
  parts: u32,
  stride: u32,
  first: u32,
  continues: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  var sum = 0.0;
  if (params.continues != 0u) { sum = sums[params.sumsStart + item]; }
  for (var part = 0u; part < params.parts; part++) {
    sum += partials[params.first + part * params.stride + item];
  }
  sums[params.sumsStart + item] = sum;
}
