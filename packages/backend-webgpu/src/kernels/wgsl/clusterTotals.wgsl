struct Params {
  partialsStart: u32,
  sumsStart: u32,
  countsStart: u32,
  items: u32,
  dimension: u32,
  chunks: u32,
  weight: f32,
  keepsSums: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<f32>;
fn add(total: vec2f, value: f32) -> vec2f {
  let term = value - total.y;
  let sum = total.x + term;
  return vec2f(sum, (sum - total.x) - term);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  var total = vec2f(0.0, 0.0);
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let at = params.partialsStart + 2u * (chunk * params.items + item);
    total = add(add(total, partials[at]), -partials[at + 1u]);
  }
  let columns = params.dimension + 1u;
  let cluster = item / columns;
  let column = item % columns;
  if (column < params.dimension) {
    if (params.keepsSums != 0u) {
      sums[params.sumsStart + cluster * params.dimension + column] = params.weight * total.x;
    }
  } else {
    counts[params.countsStart + cluster] = total.x;
  }
}
