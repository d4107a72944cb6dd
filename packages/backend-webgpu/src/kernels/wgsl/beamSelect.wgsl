struct Params {
  codesStart: u32,
  distancesStart: u32,
  rows: u32,
  candidates: u32,
  count: u32,
  keep: u32,
  levelStart: u32,
  first: u32,
  last: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> codes: array<i32>;
@group(0) @binding(2) var<storage, read> distances: array<f32>;
@group(0) @binding(3) var<storage, read_write> chosenCodes: array<i32>;
@group(0) @binding(4) var<storage, read_write> chosenDistances: array<f32>;
@group(0) @binding(5) var<storage, read_write> chosenParents: array<i32>;
@group(0) @binding(6) var<storage, read_write> greedy: array<u32>;
var<workgroup> improved: atomic<u32>;
var<workgroup> agreed: u32;
var<workgroup> greedyPlace: atomic<u32>;

var<workgroup> listScores: array<f32, 256>;
var<workgroup> listIndices: array<u32, 256>;
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

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let extensions = params.candidates * params.count;
  for (var i = lane; i < params.keep; i += 64u) {
    listScores[i] = 0x1.fffffep+127f;
    listIndices[i] = 0xffff0000u + i;
  }
  workgroupBarrier();
  for (var start = 0u; start < extensions; start += 64u) {
    var score = 0x1.fffffep+127f;
    var index = 0xfffe0000u + lane;
    if (start + lane < extensions) {
      index = start + lane;
      let distance = distances[params.distancesStart + row * extensions + index];
      if (distance < score) { score = distance; }
    }
    if (score < listScores[params.keep - 1u]) { atomicOr(&improved, 1u); }
    workgroupBarrier();
    if (lane == 0u) { agreed = atomicExchange(&improved, 0u); }
    if (workgroupUniformLoad(&agreed) != 0u) { merge(0u, params.keep, score, index, lane); }
  }
  // The place of the greedy extension, or the last.
  var wanted = 0u;
  if (params.first == 0u) { wanted = greedy[row] * params.count; }
  if (lane == 0u) { atomicStore(&greedyPlace, params.keep - 1u); }
  workgroupBarrier();
  for (var i = lane; i < params.keep; i += 64u) {
    if (listIndices[i] == wanted) { atomicMin(&greedyPlace, i); }
  }
  workgroupBarrier();
  let place = atomicLoad(&greedyPlace);
  for (var i = lane; i < params.keep; i += 64u) {
    var extension = min(listIndices[i], extensions - 1u);
    if (i == place && params.last == 0u) { extension = wanted; }
    let source = row * extensions + extension;
    let to = params.levelStart + row * params.keep + i;
    chosenCodes[to] = codes[params.codesStart + source];
    chosenDistances[to] = distances[params.distancesStart + source];
    chosenParents[to] = i32(row * params.candidates + extension / params.count);
  }
  if (lane == 0u) { greedy[row] = place; }
}
