struct Params {
  xStart: u32,
  scaleStart: u32,
  gradientStart: u32,
  rows: u32,
  columns: u32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> statistics: array<f32>;
var<workgroup> parts: array<f32, 64>;

fn rowSum(value: f32, lane: u32, reach: u32) -> f32 {
  parts[lane] = value;
  workgroupBarrier();
  for (var distance = 32u; distance >= reach; distance /= 2u) {
    if (lane < distance) { parts[lane] = parts[lane] + parts[lane + distance]; }
    workgroupBarrier();
  }
  let result = parts[0];
  workgroupBarrier();
  return result;
}

fn statisticsOf(start: u32, lane: u32, reach: u32) -> vec2f {
  var sum = 0.0;
  for (var i = lane; i < params.columns; i += 64u) { sum += x[params.xStart + start + i]; }
  let mean = rowSum(sum, lane, reach) / f32(params.columns);
  var squares = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let difference = x[params.xStart + start + i] - mean;
    squares = fma(difference, difference, squares);
  }
  let variance = rowSum(squares, lane, reach) / f32(params.columns);
  return vec2f(mean, 1.0 / sqrt(variance + params.epsilon));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let reach = 1u;
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let found = statisticsOf(start, lane, reach);
  var sum = 0.0;
  var product = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let h = gradient[params.gradientStart + start + i] * scale[params.scaleStart + i];
    sum += h;
    product = fma(h, (x[params.xStart + start + i] - found.x) * found.y, product);
  }
  let mean = rowSum(sum, lane, reach) / f32(params.columns);
  let along = rowSum(product, lane, reach) / f32(params.columns);
  for (var i = lane; i < params.columns; i += 64u) {
    let h = gradient[params.gradientStart + start + i] * scale[params.scaleStart + i];
    let unit = (x[params.xStart + start + i] - found.x) * found.y;
    out[start + i] = found.y * (h - mean - unit * along);
  }
  if (lane == 0u) {
    statistics[2u * row] = found.x;
    statistics[2u * row + 1u] = found.y;
  }
}
