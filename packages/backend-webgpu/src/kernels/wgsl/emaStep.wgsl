struct Params {
  sumsStart: u32,
  countsStart: u32,
  codebooksStart: u32,
  usageStart: u32,
  items: u32,
  dimension: u32,
  decay: f32,
  rest: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> counts: array<f32>;
@group(0) @binding(3) var<storage, read_write> codebooks: array<f32>;
@group(0) @binding(4) var<storage, read_write> usage: array<f32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let count = counts[params.countsStart + item];
  let used = params.decay * usage[params.usageStart + item] + params.rest * count;
  usage[params.usageStart + item] = used;
  if (count == 0.0) { return; }
  let share = params.rest / used;
  for (var i = 0u; i < params.dimension; i++) {
    let at = params.codebooksStart + item * params.dimension + i;
    codebooks[at] = fma(share, sums[params.sumsStart + item * params.dimension + i], codebooks[at]);
  }
}
