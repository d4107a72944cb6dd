struct Params {
  xStart: u32,
  codebooksStart: u32,
  startsStart: u32,
  codesStart: u32,
  rows: u32,
  groups: u32,
  codewords: u32,
  dimension: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> codebooks: array<f32>;
@group(0) @binding(3) var<storage, read> starts: array<f32>;
@group(0) @binding(4) var<storage, read_write> codes: array<i32>;
const DEPTH = 16u;
const PITCH = 65u;
var<workgroup> tileA: array<f32, DEPTH * PITCH>;
var<workgroup> tileB: array<f32, DEPTH * PITCH>;
var<workgroup> indices: array<u32, 1024>;
var<private> group: u32;

struct Best {
  score: f32,
  index: u32,
}

fn loadRow(row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= params.dimension) { return 0.0; }
  return x[params.xStart + (row * params.groups + group) * params.dimension + k];
}

fn loadCodeword(codeword: u32, k: u32) -> f32 {
  if (codeword >= params.codewords || k >= params.dimension) { return 0.0; }
  return codebooks[params.codebooksStart + (group * params.codewords + codeword) * params.dimension + k];
}

fn loadStart(codeword: u32) -> f32 {
  if (codeword >= params.codewords) { return 0.0; }
  return starts[params.startsStart + group * params.codewords + codeword];
}

// A lane sees its codewords in the order of their index, so of equal scores the first stays.
fn better(best: Best, scores: vec4f, first: u32) -> Best {
  var result = best;
  for (var i = 0u; i < 4u; i++) {
    let index = first + i * 16u;
    if (index < params.codewords && scores[i] < result.score) { result = Best(scores[i], index); }
  }
  return result;
}

// Columns of the tile of first rows are free once the last product is done.
fn keep(best: Best, line: u32, column: u32) {
  tileA[line * 16u + column] = best.score;
  indices[line * 16u + column] = best.index;
}

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  group = workgroup.y;
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * 64u;
  var best0 = Best(0x1.fffffep+127f, 0u);
  var best1 = best0;
  var best2 = best0;
  var best3 = best0;
  for (var firstColumn = 0u; firstColumn < params.codewords; firstColumn += 64u) {
    let column = firstColumn + lane.x;
    var sums0 = vec4f(
      loadStart(column),
      loadStart(column + 16u),
      loadStart(column + 32u),
      loadStart(column + 48u),
    );
    var sums1 = sums0;
    var sums2 = sums0;
    var sums3 = sums0;
    for (var first = 0u; first < params.dimension; first += DEPTH) {
    for (var i = index; i < 64u * DEPTH; i += 256u) {
      let line = i / DEPTH;
      let k = i % DEPTH;
      tileA[k * PITCH + line] = loadRow(firstRow + line, first + k);
      tileB[k * PITCH + line] = loadCodeword(firstColumn + line, first + k);
    }
    workgroupBarrier();
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
    }
    best0 = better(best0, sums0, column);
    best1 = better(best1, sums1, column);
    best2 = better(best2, sums2, column);
    best3 = better(best3, sums3, column);
  }
  keep(best0, lane.y, lane.x);
  keep(best1, lane.y + 16u, lane.x);
  keep(best2, lane.y + 32u, lane.x);
  keep(best3, lane.y + 48u, lane.x);
  workgroupBarrier();
  let row = firstRow + index;
  if (index >= 64u || row >= params.rows) { return; }
  var best = Best(tileA[index * 16u], indices[index * 16u]);
  for (var i = 1u; i < 16u; i++) {
    let other = Best(tileA[index * 16u + i], indices[index * 16u + i]);
    if (other.score < best.score || (other.score == best.score && other.index < best.index)) {
      best = other;
    }
  }
  codes[params.codesStart + row * params.groups + group] = i32(best.index);
}
