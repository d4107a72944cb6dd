struct Params {
  aStart: u32,
  bStart: u32,
  addedStart: u32,
  beforeStart: u32,
  outStart: u32,
  preStart: u32,
  rows: u32,
  inner: u32,
  columns: u32,
  aRow: u32,
  aInner: u32,
  bColumn: u32,
  bInner: u32,
  pitch: u32,
  firstColumn: u32,
  continues: u32,
  adds: u32,
  activation: u32,
  backward: u32,
  keepsPre: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> added: array<f32>;
@group(0) @binding(4) var<storage, read> before: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
@group(0) @binding(6) var<storage, read_write> pre: array<f32>;
const DEPTH = 16u;
const PITCH = 65u;
var<workgroup> tileA: array<f32, DEPTH * PITCH>;
var<workgroup> tileB: array<f32, DEPTH * PITCH>;
var<private> end: u32;

fn loadA(row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= end) { return 0.0; }
  return a[params.aStart + row * params.aRow + k * params.aInner];
}

fn loadB(column: u32, k: u32) -> f32 {
  if (column >= params.columns || k >= end) { return 0.0; }
  return b[params.bStart + column * params.bColumn + k * params.bInner];
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

fn stored(row: u32, firstColumn: u32) -> vec4f {
  var sums = vec4f();
  if (params.continues == 0u) { return sums; }
  for (var i = 0u; i < 4u; i++) {
    let column = firstColumn + i * 16u;
    if (row >= params.rows || column >= params.columns) { continue; }
    sums[i] = out[params.outStart + row * params.pitch + params.firstColumn + column];
  }
  return sums;
}

fn store(row: u32, firstColumn: u32, sums: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    let column = firstColumn + i * 16u;
    if (row >= params.rows || column >= params.columns) { continue; }
    let at = row * params.pitch + params.firstColumn + column;
    var value = sums[i];
    if (params.adds == 1u) { value += added[params.addedStart + params.firstColumn + column]; }
    if (params.adds == 2u) { value += added[params.addedStart + at]; }
    if (params.keepsPre != 0u) { pre[params.preStart + at] = value; }
    if (params.backward != 0u) {
      out[params.outStart + at] = throughActivation(params.activation, value, before[params.beforeStart + at]);
    } else {
      out[params.outStart + at] = activate(params.activation, value);
    }
  }
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * 64u;
  let firstColumn = workgroup.y * 64u;
  let begin = 0u;
  let last = params.inner;
  end = last;
  let row = firstRow + lane.y;
  let column = firstColumn + lane.x;
  var sums0 = stored(row, column);
  var sums1 = stored(row + 16u, column);
  var sums2 = stored(row + 32u, column);
  var sums3 = stored(row + 48u, column);
  for (var first = begin; first < last; first += DEPTH) {
    for (var i = index; i < 64u * DEPTH; i += 256u) {
      let line = i / DEPTH;
      let k = i % DEPTH;
      tileA[k * PITCH + line] = loadA(firstRow + line, first + k);
      tileB[k * PITCH + line] = loadB(firstColumn + line, first + k);
    }
    workgroupBarrier();
    for (var k = 0u; k < DEPTH; k++) {
      let at = k * PITCH;
      let b = at + lane.x;
      let columns = vec4f(tileB[b], tileB[b + 16u], tileB[b + 32u], tileB[b + 48u]);
      sums0 = fma(vec4f(tileA[at + lane.y + 0u]), columns, sums0);
      sums1 = fma(vec4f(tileA[at + lane.y + 16u]), columns, sums1);
      sums2 = fma(vec4f(tileA[at + lane.y + 32u]), columns, sums2);
      sums3 = fma(vec4f(tileA[at + lane.y + 48u]), columns, sums3);
    }
    workgroupBarrier();
  }
  store(row, column, sums0);
  store(row + 16u, column, sums1);
  store(row + 32u, column, sums2);
  store(row + 48u, column, sums3);
}
