struct Params {
  xStart: u32,
  codebooksStart: u32,
  startsStart: u32,
  rows: u32,
  groups: u32,
  codewords: u32,
  dimension: u32,
  count: u32,
  direct: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> codebooks: array<f32>;
@group(0) @binding(3) var<storage, read> starts: array<f32>;
@group(0) @binding(4) var<storage, read_write> codes: array<i32>;
@group(0) @binding(5) var<storage, read_write> distances: array<f32>;
const DEPTH = 16u;
const PITCH = 65u;
var<workgroup> rowTile: array<vec4f, DEPTH>;
var<workgroup> bookTile: array<f32, DEPTH * PITCH>;
var<workgroup> improved: atomic<u32>;
var<workgroup> agreed: u32;

var<workgroup> listScores: array<f32, 1024>;
var<workgroup> listIndices: array<u32, 1024>;
var<workgroup> oldScores: array<f32, 256>;
var<workgroup> oldIndices: array<u32, 256>;
var<workgroup> newScores: array<f32, 64>;
var<workgroup> sortedScores: array<f32, 64>;
var<workgroup> sortedIndices: array<u32, 64>;

fn isBelow(score: f32, index: u32, thanScore: f32, thanIndex: u32) -> bool {
  return score < thanScore || (score == thanScore && index < thanIndex);
}

fn oldBelow(count: u32, score: f32, index: u32) -> u32 {
  var low = 0u;
  var high = count;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (isBelow(oldScores[middle], oldIndices[middle], score, index)) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

fn sortedBelow(score: f32, index: u32) -> u32 {
  var low = 0u;
  var high = 64u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (isBelow(sortedScores[middle], sortedIndices[middle], score, index)) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

fn merge(list: u32, count: u32, score: f32, index: u32, lane: u32) {
  for (var i = lane; i < count; i += 64u) {
    oldScores[i] = listScores[list + i];
    oldIndices[i] = listIndices[list + i];
  }
  newScores[lane] = score;
  workgroupBarrier();
  var rank = 0u;
  for (var i = 0u; i < 64u; i++) { rank += u32(isBelow(newScores[i], i, score, lane)); }
  sortedScores[rank] = score;
  sortedIndices[rank] = index;
  workgroupBarrier();
  for (var i = lane; i < count; i += 64u) {
    let place = i + sortedBelow(oldScores[i], oldIndices[i]);
    if (place < count) {
      listScores[list + place] = oldScores[i];
      listIndices[list + place] = oldIndices[i];
    }
  }
  let place = rank + oldBelow(count, score, index);
  if (place < count) {
    listScores[list + place] = score;
    listIndices[list + place] = index;
  }
  workgroupBarrier();
}

fn loadRow(row: u32, group: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= params.dimension) { return 0.0; }
  return x[params.xStart + (row * params.groups + group) * params.dimension + k];
}

fn loadCodeword(codeword: u32, group: u32, k: u32) -> f32 {
  if (codeword >= params.codewords || k >= params.dimension) { return 0.0; }
  return codebooks[params.codebooksStart + (group * params.codewords + codeword) * params.dimension + k];
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y;
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * 4u;
  // Places that no codeword has taken hold numbers above every index, each its own.
  for (var i = lane; i < 1024u; i += 64u) {
    listScores[i] = 0x1.fffffep+127f;
    listIndices[i] = 0xffff0000u + i;
  }
  for (var first = 0u; first < params.codewords; first += 64u) {
    let codeword = first + lane;
    var start = 0.0;
    if (params.direct == 0u && codeword < params.codewords) { start = starts[params.startsStart + group * params.codewords + codeword]; }
    var sums = vec4f(start);
    for (var k0 = 0u; k0 < params.dimension; k0 += DEPTH) {
      for (var i = lane; i < 64u * DEPTH; i += 64u) {
        bookTile[i % DEPTH * PITCH + i / DEPTH] = loadCodeword(first + i / DEPTH, group, k0 + i % DEPTH);
      }
      if (lane < DEPTH) {
        rowTile[lane] = vec4f(
          loadRow(firstRow, group, k0 + lane),
          loadRow(firstRow + 1u, group, k0 + lane),
          loadRow(firstRow + 2u, group, k0 + lane),
          loadRow(firstRow + 3u, group, k0 + lane),
        );
      }
      workgroupBarrier();
      for (var k = 0u; k < DEPTH; k++) {
        let values = rowTile[k];
        let other = vec4f(bookTile[k * PITCH + lane]);
        if (params.direct != 0u) {
          sums = fma(values - other, values - other, sums);
        } else {
          sums = fma(-values, other, sums);
        }
      }
      workgroupBarrier();
    }
    var index = codeword;
    if (codeword >= params.codewords) {
      sums = vec4f(0x1.fffffep+127f);
      index = 0xfffe0000u + lane;
    }
    // A score that is not a number would not be in any order; its row or codeword is at fault.
    sums = select(vec4f(0x1.fffffep+127f), sums, sums < vec4f(0x1.fffffep+127f));
    for (var r = 0u; r < 4u; r++) {
      // Of equal scores, those in the list have the lower index.
      if (sums[r] < listScores[r * 256u + params.count - 1u]) { atomicOr(&improved, 1u << r); }
    }
    workgroupBarrier();
    if (lane == 0u) { agreed = atomicExchange(&improved, 0u); }
    let rows = workgroupUniformLoad(&agreed);
    for (var r = 0u; r < 4u; r++) {
      if ((rows & (1u << r)) != 0u) { merge(r * 256u, params.count, sums[r], index, lane); }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < 4u * params.count; i += 64u) {
    let row = firstRow + i / params.count;
    let place = i % params.count;
    if (row < params.rows) {
      let at = (row * params.groups + group) * params.count + place;
      let listed = i / params.count * 256u + place;
      codes[at] = i32(min(listIndices[listed], params.codewords - 1u));
      if (params.direct != 0u) { distances[at] = listScores[listed]; }
    }
  }
}
