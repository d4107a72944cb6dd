struct Params {
  madeStart: u32,
  wantedStart: u32,
  rows: u32,
  columns: u32,
  kind: u32,
  weight: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> made: array<f32>;
@group(0) @binding(2) var<storage, read> wanted: array<f32>;
@group(0) @binding(3) var<storage, read_write> losses: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;
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
  let y = params.madeStart + start;
  let x = params.wantedStart + start;
  var squaresY = 0.0;
  var squaresX = 0.0;
  var product = 0.0;
  var error = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let right = wanted[x + i];
    let left = made[y + i];
    squaresY = fma(left, left, squaresY);
    squaresX = fma(right, right, squaresX);
    product = fma(left, right, product);
    error = fma(left - right, left - right, error);
  }
  if (params.kind == 0u) {
    for (var i = lane; i < params.columns; i += 64u) { gradient[start + i] = 2.0 * params.weight * (made[y + i] - wanted[x + i]); }
    let loss = rowSum(error, lane, reach);
    if (lane == 0u) { losses[row] = params.weight * loss; }
    return;
  }
  // A row of zeros counts as if it had length 1.
  var length = sqrt(rowSum(squaresY, lane, reach));
  if (length == 0.0) { length = 1.0; }
  var towards = sqrt(rowSum(squaresX, lane, reach));
  if (towards == 0.0 || params.kind == 1u) { towards = 1.0; }
  let along = rowSum(product, lane, reach) / length / towards;
  let factor = params.weight / length * select(-2.0, -1.0, params.kind == 2u);
  var distance = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let unit = made[y + i] / length;
    let right = wanted[x + i] / towards;
    distance = fma(unit - right, unit - right, distance);
    gradient[start + i] = factor * (right - along * unit);
  }
  let squared = rowSum(distance, lane, reach);
  if (lane == 0u) { losses[row] = params.weight * select(squared, 1.0 - along, params.kind == 2u); }
}
