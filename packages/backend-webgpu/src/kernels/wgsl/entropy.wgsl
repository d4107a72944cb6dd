struct Params {
  probabilitiesStart: u32,
  rows: u32,
  columns: u32,
  weight: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read_write> losses: array<f32>;
@group(0) @binding(3) var<storage, read_write> gradient: array<f32>;
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

fn logarithm(x: f32) -> f32 {
  if (!finite(x)) { return x; }
  // x = 2ⁿ·m with m in √½..√2.
  let bits = bitcast<i32>(x);
  let n = (bits - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bits - (n << 23u));
  // ln m = 2·artanh(s), |s| < 0.172.
  let s = (m - 1.0) / (m + 1.0);
  let square = s * s;
  var sum = 0.1111111111111111;
  sum = fma(sum, square, 0.14285714285714285);
  sum = fma(sum, square, 0.2);
  sum = fma(sum, square, 0.3333333333333333);
  let rest = fma(2.0 * s * square, sum, 2.0 * s);
  // ln 2 in two parts, of which the first times n is exact.
  return fma(f32(n), 0x1.63p-1f, fma(f32(n), -0x1.bd0106p-13f, rest));
}

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
  var each = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let p = probabilities[params.probabilitiesStart + start + i];
    let log = logarithm(select(p, 0x1p-126f, p < 0x1p-126f));
    each = fma(p, log, each);
    gradient[start + i] = -params.weight * (log + 1.0);
  }
  let sum = rowSum(each, lane, reach);
  if (lane == 0u) { losses[row] = -params.weight * sum; }
}
