struct Params {
  xStart: u32,
  gradientStart: u32,
  meanStart: u32,
  varianceStart: u32,
  items: u32,
  rows: u32,
  columns: u32,
  chunkRows: u32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> variance: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;
fn unitOf(value: f32, column: u32) -> f32 {
  let deviation = sqrt(variance[params.varianceStart + column] + params.epsilon);
  return (value - mean[params.meanStart + column]) / deviation;
}

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
  var sum = 0.0;
  var product = 0.0;
  for (var row = chunk * params.chunkRows; row < end; row++) {
    let at = row * params.columns + column;
    let value = gradient[params.gradientStart + at];
    sum += value;
    product = fma(value, unitOf(x[params.xStart + at], column), product);
  }
  let at = 2u * chunk * params.columns + column;
  partials[at] = sum;
  partials[at + params.columns] = product;
}
