struct Params {
  partsStart: u32,
  items: u32,
  chunks: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parts: array<f32>;
@group(0) @binding(2) var<storage, read_write> ofColumns: array<f32>;
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

fn exponential(x: f32) -> f32 {
  return select(exp(x), 0.0, x < -87.0);
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

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  var largest = -0x1.fffffep+127f;
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    largest = max(largest, parts[2u * (chunk * params.items + item)]);
  }
  var sum = 0.0;
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let at = 2u * (chunk * params.items + item);
    sum = fma(parts[at + 1u], exponential(parts[at] - largest), sum);
  }
  ofColumns[item] = -largest - logarithm(sum);
}
