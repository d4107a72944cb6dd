struct Params {
  startsStart: u32,
  endsStart: u32,
  biasesStart: u32,
  items: u32,
  rows: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> starts: array<i32>;
@group(0) @binding(2) var<storage, read> ends: array<i32>;
@group(0) @binding(3) var<storage, read> biases: array<u32>;
@group(0) @binding(4) var<storage, read_write> probes: array<u32>;
@group(0) @binding(5) var<storage, read_write> faults: array<atomic<u32>>;
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  var start = starts[params.startsStart + item];
  var end = ends[params.endsStart + item];
  if (start < 0 || start % 32 != 0 || end < start || u32(end) > params.rows) {
    fault(0u, item);
    start = 0;
    end = 0;
  }
  probes[3u * item] = u32(start);
  probes[3u * item + 1u] = u32(end);
  probes[3u * item + 2u] = biases[params.biasesStart + item];
}
