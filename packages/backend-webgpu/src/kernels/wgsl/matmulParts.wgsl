struct Params {
  aStart: u32,
  bStart: u32,
  rows: u32,
  inner: u32,
  columns: u32,
  aRow: u32,
  aInner: u32,
  bColumn: u32,
  bInner: u32,
  parts: u32,
  span: u32,
  first: u32,
  firstPart: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;
const DEPTH = 16u;
const PITCH = 65u;
var<workgroup> tileA: array<f32, DEPTH * PITCH>;
var<workgroup> tileB: array<f32, DEPTH * PITCH>;
var<private> end: u32;
var<private> part: u32;

fn loadA(row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= end) { return 0.0; }
  return a[params.aStart + row * params.aRow + k * params.aInner];
}

fn loadB(column: u32, k: u32) -> f32 {
  if (column >= params.columns || k >= end) { return 0.0; }
  return b[params.bStart + column * params.bColumn + k * params.bInner];
}

fn stored(row: u32, firstColumn: u32) -> vec4f {
  var sums = vec4f();
  if (part * params.span >= params.first) { return sums; }
  for (var i = 0u; i < 4u; i++) {
    let column = firstColumn + i * 16u;
    if (row >= params.rows || column >= params.columns) { continue; }
    sums[i] = partials[(part * params.rows + row) * params.columns + column];
  }
  return sums;
}

fn store(row: u32, firstColumn: u32, sums: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    let column = firstColumn + i * 16u;
    if (row >= params.rows || column >= params.columns) { continue; }
    partials[(part * params.rows + row) * params.columns + column] = sums[i];
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
  let firstColumn = workgroup.y / params.parts * 64u;
  let number = params.firstPart + workgroup.y % params.parts;
  part = number;
  let begin = max(params.first, number * params.span) - params.first;
  let last = min(params.inner, (number + 1u) * params.span - params.first);
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
