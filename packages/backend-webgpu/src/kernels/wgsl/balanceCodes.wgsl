struct Params {
  distancesStart: u32,
  scalingStart: u32,
  ofColumnsStart: u32,
  rows: u32,
  columns: u32,
  groups: u32,
  group: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> distances: array<f32>;
@group(0) @binding(2) var<storage, read> scaling: array<f32>;
@group(0) @binding(3) var<storage, read> ofColumns: array<f32>;
@group(0) @binding(4) var<storage, read_write> codes: array<i32>;
var<workgroup> scores: array<f32, 64>;
var<workgroup> indices: array<u32, 64>;

fn scoreOf(distance: f32) -> f32 {
  return (distance - scaling[0]) * scaling[1];
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  var best = -0x1.fffffep+127f;
  var found = 0u;
  // A lane sees its columns in their order, so of equal scores the first stays.
  for (var i = lane; i < params.columns; i += 64u) {
    let score = scoreOf(distances[params.distancesStart + start + i]) + ofColumns[i];
    if (score > best) {
      best = score;
      found = i;
    }
  }
  scores[lane] = best;
  indices[lane] = found;
  workgroupBarrier();
  for (var distance = 32u; distance > 0u; distance /= 2u) {
    if (lane < distance) {
      let other = lane + distance;
      let ties = scores[other] == scores[lane] && indices[other] < indices[lane];
      if (scores[other] > scores[lane] || ties) {
        scores[lane] = scores[other];
        indices[lane] = indices[other];
      }
    }
    workgroupBarrier();
  }
  if (lane == 0u) { codes[row * params.groups + params.group] = i32(indices[0]); }
}
