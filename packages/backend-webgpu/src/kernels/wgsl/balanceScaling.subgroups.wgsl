enable subgroups;
requires subgroup_id;

struct Params {
  rangesStart: u32,
  rows: u32,
  epsilon: f32,
  continues: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ranges: array<f32>;
@group(0) @binding(2) var<storage, read_write> scaling: array<f32>;
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

var<workgroup> parts: array<f32, 64>;

fn rowSum(value: f32, lane: u32, reach: u32) -> f32 {
  var own = value;
  if (reach < 64u) {
    parts[lane] = own;
    workgroupBarrier();
    for (var distance = 32u; distance >= reach; distance /= 2u) {
      if (lane < distance) { parts[lane] = parts[lane] + parts[lane + distance]; }
      workgroupBarrier();
    }
    own = parts[lane];
  }
  for (var distance = reach / 2u; distance > 0u; distance /= 2u) {
    own = own + subgroupShuffleXor(own, distance);
  }
  if (reach < 64u) {
    if (lane == 0u) { parts[0] = own; }
    workgroupBarrier();
    own = parts[0];
    workgroupBarrier();
  }
  return own;
}

fn rowLargest(value: f32, lane: u32, reach: u32) -> f32 {
  var own = value;
  if (reach < 64u) {
    parts[lane] = own;
    workgroupBarrier();
    for (var distance = 32u; distance >= reach; distance /= 2u) {
      if (lane < distance) { parts[lane] = max(parts[lane], parts[lane + distance]); }
      workgroupBarrier();
    }
    own = parts[lane];
  }
  for (var distance = reach / 2u; distance > 0u; distance /= 2u) {
    own = max(own, subgroupShuffleXor(own, distance));
  }
  if (reach < 64u) {
    if (lane == 0u) { parts[0] = own; }
    workgroupBarrier();
    own = parts[0];
    workgroupBarrier();
  }
  return own;
}

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_size) size: u32,
  @builtin(subgroup_invocation_id) place: u32,
) {
  let full = subgroups * size == 64u;
  let reach = select(1u, size, full);
  let lane = select(index, subgroup * size + place, full);
  var below = -0x1.fffffep+127f;
  var above = 0.0;
  for (var row = lane; row < params.rows; row += 64u) {
    below = max(below, ranges[params.rangesStart + 2u * row]);
    above = max(above, ranges[params.rangesStart + 2u * row + 1u]);
  }
  if (params.continues != 0u) {
    below = max(below, scaling[2]);
    above = max(above, scaling[3]);
  }
  let least = -rowLargest(below, lane, reach);
  let largest = rowLargest(above, lane, reach);
  let half = 0.5 * (largest - least);
  if (lane == 0u) {
    let factor = -1.0 / (half * params.epsilon);
    scaling[0] = least + half;
    // Distances that are all the same leave nothing to choose by.
    scaling[1] = select(0.0, factor, half > 0.0 && finite(factor));
    scaling[2] = -least;
    scaling[3] = largest;
  }
}
