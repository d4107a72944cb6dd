struct Params {
  zStart: u32,
  quantizedStart: u32,
  gradientStart: u32,
  rows: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read> quantized: array<f32>;
@group(0) @binding(3) var<storage, read> gradient: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
const SHORTEST = 1e-6;

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
  var squaresZ = 0.0;
  var squaresQ = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let left = z[params.zStart + start + i];
    let right = quantized[params.quantizedStart + start + i];
    squaresZ = fma(left, left, squaresZ);
    squaresQ = fma(right, right, squaresQ);
  }
  let lengthZ = sqrt(rowSum(squaresZ, lane, reach));
  let lengthQ = sqrt(rowSum(squaresQ, lane, reach));
  // Without a direction the gradient passes, whatever stands here.
  let toZ = 1.0 / max(lengthZ, SHORTEST);
  let toQ = 1.0 / max(lengthQ, SHORTEST);
  var squares = 0.0;
  var alongSum = 0.0;
  var alongQ = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let unit = quantized[params.quantizedStart + start + i] * toQ;
    let sum = fma(z[params.zStart + start + i], toZ, unit);
    let value = gradient[params.gradientStart + start + i];
    squares = fma(sum, sum, squares);
    alongSum = fma(sum, value, alongSum);
    alongQ = fma(unit, value, alongQ);
  }
  let square = rowSum(squares, lane, reach);
  let bySum = 2.0 * rowSum(alongSum, lane, reach) / max(square, SHORTEST * SHORTEST);
  let byZ = 2.0 * rowSum(alongQ, lane, reach);
  let passes = lengthZ < SHORTEST || lengthQ < SHORTEST || square < SHORTEST * SHORTEST;
  let scale = lengthQ * toZ;
  for (var i = lane; i < params.columns; i += 64u) {
    let value = gradient[params.gradientStart + start + i];
    let unit = z[params.zStart + start + i] * toZ;
    let sum = fma(quantized[params.quantizedStart + start + i], toQ, unit);
    out[start + i] = select(scale * (value - bySum * sum + byZ * unit), value, passes);
  }
}
