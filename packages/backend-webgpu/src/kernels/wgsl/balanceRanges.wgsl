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

fn rowLargest(value: f32, lane: u32, reach: u32) -> f32 {
  parts[lane] = value;
  workgroupBarrier();
  for (var distance = 32u; distance >= reach; distance /= 2u) {
    if (lane < distance) { parts[lane] = max(parts[lane], parts[lane + distance]); }
    workgroupBarrier();
  }
  let result = parts[0];
  workgroupBarrier();
  return result;
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
