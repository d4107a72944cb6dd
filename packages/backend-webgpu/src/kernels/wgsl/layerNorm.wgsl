struct Params {
  xStart: u32,
  scaleStart: u32,
  shiftStart: u32,
  rows: u32,
  columns: u32,
  epsilon: f32,
  activation: u32,
  keepsPre: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read> shift: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> pre: array<f32>;
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

fn sigmoid(z: f32) -> f32 {
  return 1.0 / (1.0 + exp(select(-z, 87.0, z < -87.0)));
}

// Φ(z), and √(2π)·φ(z).
fn normalDistribution(z: f32) -> vec2f {
  let density = exp(select(-0.5 * z * z, -87.0, abs(z) > 13.0));
  let t = 1.0 / fma(abs(z), 0.23164188826636045, 1.0);
  var tail = 0.5307027145;
  tail = fma(tail, t, -0.7265760135);
  tail = fma(tail, t, 0.7107068705);
  tail = fma(tail, t, -0.142248368);
  tail = fma(tail, t, 0.127414796);
  tail = tail * t * density;
  return vec2f(select(1.0 - tail, tail, z < 0.0), density);
}

fn activate(kind: u32, z: f32) -> f32 {
  switch kind {
    case 1u: { return select(z, 0.0, z < 0.0); }
    case 2u: { return z * normalDistribution(z).x; }
    case 3u: { return z * sigmoid(z); }
    default: { return z; }
  }
}

// The gradient times the derivative at z.
fn throughActivation(kind: u32, gradient: f32, z: f32) -> f32 {
  switch kind {
    case 1u: { return select(0.0, gradient, z > 0.0); }
    case 2u: {
      let normal = normalDistribution(z);
      return gradient * fma(z * normal.y, 0.3989422804014327, normal.x);
    }
    case 3u: {
      let s = sigmoid(z);
      return gradient * s * fma(z, 1.0 - s, 1.0);
    }
    default: { return gradient; }
  }
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
  let statistics = statisticsOf(start, lane, reach);
  for (var i = lane; i < params.columns; i += 64u) {
    let unit = (x[params.xStart + start + i] - statistics.x) * statistics.y;
    let value = fma(unit, scale[params.scaleStart + i], shift[params.shiftStart + i]);
    if (params.keepsPre != 0u) { pre[start + i] = value; }
    out[start + i] = activate(params.activation, value);
  }
}
