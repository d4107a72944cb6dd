struct Params {
  askedStart: u32,
  rowsStart: u32,
  queries: u32,
  columns: u32,
  dimension: u32,
  pitch: u32,
  ip: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> asked: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read_write> distances: array<f32>;
const DEPTH = 16u;
const PITCH = 65u;
var<workgroup> tileA: array<f32, DEPTH * PITCH>;
var<workgroup> tileB: array<f32, DEPTH * PITCH>;

fn loadQuery(query: u32, k: u32) -> f32 {
  if (query >= params.queries || k >= params.dimension) { return 0.0; }
  return asked[params.askedStart + query * params.pitch + k];
}

fn loadRow(row: u32, k: u32) -> f32 {
  if (row >= params.columns || k >= params.dimension) { return 0.0; }
  return rows[params.rowsStart + row * params.dimension + k];
}

fn store(query: u32, firstRow: u32, sums: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    let row = firstRow + i * 16u;
    if (query < params.queries && row < params.columns) { distances[query * params.columns + row] = sums[i]; }
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
  var sums0 = vec4f();
  var sums1 = vec4f();
  var sums2 = vec4f();
  var sums3 = vec4f();
  for (var first = 0u; first < params.dimension; first += DEPTH) {
    for (var i = index; i < 64u * DEPTH; i += 256u) {
      let line = i / DEPTH;
      let k = i % DEPTH;
      tileA[k * PITCH + line] = loadQuery(firstRow + line, first + k);
      tileB[k * PITCH + line] = loadRow(firstColumn + line, first + k);
    }
    workgroupBarrier();
    if (params.ip != 0u) {
    for (var k = 0u; k < DEPTH; k++) {
      let at = k * PITCH;
      let b = at + lane.x;
      let columns = vec4f(tileB[b], tileB[b + 16u], tileB[b + 32u], tileB[b + 48u]);
      sums0 = fma(vec4f(-tileA[at + lane.y + 0u]), columns, sums0);
      sums1 = fma(vec4f(-tileA[at + lane.y + 16u]), columns, sums1);
      sums2 = fma(vec4f(-tileA[at + lane.y + 32u]), columns, sums2);
      sums3 = fma(vec4f(-tileA[at + lane.y + 48u]), columns, sums3);
    }
    workgroupBarrier();
    } else {
    for (var k = 0u; k < DEPTH; k++) {
      let at = k * PITCH;
      let b = at + lane.x;
      let columns = vec4f(tileB[b], tileB[b + 16u], tileB[b + 32u], tileB[b + 48u]);
      let tosums0 = vec4f(tileA[at + lane.y + 0u]) - columns;
      sums0 = fma(tosums0, tosums0, sums0);
      let tosums1 = vec4f(tileA[at + lane.y + 16u]) - columns;
      sums1 = fma(tosums1, tosums1, sums1);
      let tosums2 = vec4f(tileA[at + lane.y + 32u]) - columns;
      sums2 = fma(tosums2, tosums2, sums2);
      let tosums3 = vec4f(tileA[at + lane.y + 48u]) - columns;
      sums3 = fma(tosums3, tosums3, sums3);
    }
    workgroupBarrier();
    }
  }
  let query = firstRow + lane.y;
  let column = firstColumn + lane.x;
  store(query, column, sums0);
  store(query + 16u, column, sums1);
  store(query + 32u, column, sums2);
  store(query + 48u, column, sums3);
}
