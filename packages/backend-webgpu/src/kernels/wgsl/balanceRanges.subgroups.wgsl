enable subgroups;
requires subgroup_id;

struct Params {
  distancesStart: u32,
  rows: u32,
  columns: u32,
  firstRow: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> distances: array<f32>;
@group(0) @binding(2) var<storage, read_write> ranges: array<f32>;
@group(0) @binding(3) var<storage, read_write> faults: array<atomic<u32>>;
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}
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
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_size) size: u32,
  @builtin(subgroup_invocation_id) place: u32,
) {
  let full = subgroups * size == 64u;
  let reach = select(1u, size, full);
  let lane = select(index, subgroup * size + place, full);
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  var below = -0x1.fffffep+127f;
  var above = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let distance = distances[params.distancesStart + start + i];
    if (!finite(distance)) {
      fault(0u, params.firstRow + row);
      continue;
    }
    below = max(below, -distance);
    above = max(above, distance);
  }
  let least = rowLargest(below, lane, reach);
  let largest = rowLargest(above, lane, reach);
  if (lane == 0u) {
    ranges[2u * row] = least;
    ranges[2u * row + 1u] = largest;
  }
}
