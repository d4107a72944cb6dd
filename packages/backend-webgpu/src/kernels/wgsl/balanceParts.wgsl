struct Params {
  distancesStart: u32,
  scalingStart: u32,
  ofRowsStart: u32,
  partsStart: u32,
  items: u32,
  rows: u32,
  columns: u32,
  chunkRows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> distances: array<f32>;
@group(0) @binding(2) var<storage, read> scaling: array<f32>;
@group(0) @binding(3) var<storage, read> ofRows: array<f32>;
@group(0) @binding(4) var<storage, read_write> parts: array<f32>;
fn exponential(x: f32) -> f32 {
  return select(exp(x), 0.0, x < -87.0);
}

fn scoreOf(distance: f32) -> f32 {
  return (distance - scaling[0]) * scaling[1];
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
  let first = item / params.columns * params.chunkRows;
  let end = min(params.rows, first + params.chunkRows);
  var largest = -0x1.fffffep+127f;
  for (var row = first; row < end; row++) {
    largest = max(largest, scoreOf(distances[params.distancesStart + row * params.columns + column]) + ofRows[params.ofRowsStart + row]);
  }
  var sum = 0.0;
  for (var row = first; row < end; row++) {
    sum += exponential(scoreOf(distances[params.distancesStart + row * params.columns + column]) + ofRows[params.ofRowsStart + row] - largest);
  }
  let at = params.partsStart + 2u * item;
  parts[at] = largest;
  parts[at + 1u] = sum;
}
