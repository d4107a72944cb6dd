struct Params {
  xStart: u32,
  meanStart: u32,
  items: u32,
  rows: u32,
  columns: u32,
  chunkRows: u32,
  squares: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> mean: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let column = item % params.columns;
  let chunk = item / params.columns;
  let end = min(params.rows, (chunk + 1u) * params.chunkRows);
  var middle = 0.0;
  if (params.squares != 0u) { middle = mean[params.meanStart + column]; }
  var sum = 0.0;
  for (var row = chunk * params.chunkRows; row < end; row++) {
    let value = x[params.xStart + row * params.columns + column] - middle;
    sum += select(value, value * value, params.squares != 0u);
  }
  partials[item] = sum;
}
