struct Params {
  xStart: u32,
  gradientStart: u32,
  meanStart: u32,
  varianceStart: u32,
  scaleStart: u32,
  ofScaleStart: u32,
  ofShiftStart: u32,
  items: u32,
  columns: u32,
  count: f32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> mean: array<f32>;
@group(0) @binding(4) var<storage, read> variance: array<f32>;
@group(0) @binding(5) var<storage, read> scale: array<f32>;
@group(0) @binding(6) var<storage, read> ofScale: array<f32>;
@group(0) @binding(7) var<storage, read> ofShift: array<f32>;
@group(0) @binding(8) var<storage, read_write> out: array<f32>;
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
  let unit = unitOf(x[params.xStart + item], column);
  let middle = ofShift[params.ofShiftStart + column] / params.count;
  let along = ofScale[params.ofScaleStart + column] / params.count;
  let factor = scale[params.scaleStart + column] / sqrt(variance[params.varianceStart + column] + params.epsilon);
  out[item] = factor * (gradient[params.gradientStart + item] - middle - unit * along);
}
