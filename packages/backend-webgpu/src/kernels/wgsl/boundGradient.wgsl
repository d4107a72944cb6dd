struct Params {
  zStart: u32,
  gradientStart: u32,
  shiftStart: u32,
  slopeStart: u32,
  items: u32,
  columns: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> z: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read> slope: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
fn exponential(x: f32) -> f32 {
  return select(exp(x), 0.0, x < -87.0);
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
  let y = z[params.zStart + item] + shift[params.shiftStart + column];
  // 1 − tanh² y = 4e / (1 + e)² with e = e^(−2|y|), which does not cancel where tanh is near 1.
  let e = exponential(-2.0 * abs(y));
  let steep = 4.0 * e / ((1.0 + e) * (1.0 + e)) * slope[params.slopeStart + column];
  out[item] = gradient[params.gradientStart + item] * steep;
}
