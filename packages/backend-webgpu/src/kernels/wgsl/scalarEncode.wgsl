struct Params {
  xStart: u32,
  lowerStart: u32,
  stepStart: u32,
  items: u32,
  bytes: u32,
  width: u32,
  dimension: u32,
  bits: u32,
  top: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> lower: array<f32>;
@group(0) @binding(3) var<storage, read> step: array<f32>;
@group(0) @binding(4) var<storage, read_write> codes: array<u32>;
@group(0) @binding(5) var<storage, read_write> faults: array<atomic<u32>>;
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

fn codeOf(row: u32, column: u32) -> u32 {
  let value = x[params.xStart + row * params.dimension + column];
  if (!finite(value)) { fault(0u, row); }
  let by = step[params.stepStart + column];
  // Zero and subnormal steps have an exponent of 0.
  if ((bitcast<u32>(by) & 0x7f800000u) == 0u) { return 0u; }
  let position = (value - lower[params.lowerStart + column]) / by;
  return u32(clamp(floor(position + 0.5), 0.0, params.top));
}

fn word(item: u32) -> u32 {
  var result = 0u;
  for (var b = 0u; b < 4u; b++) {
    let byte = item * 4u + b;
    if (byte >= params.bytes) { break; }
    let row = byte / params.width;
    let first = (byte % params.width) * 8u / params.bits;
    for (var i = 0u; i < 8u / params.bits && first + i < params.dimension; i++) {
      result |= codeOf(row, first + i) << (b * 8u + i * params.bits);
    }
  }
  return result;
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  codes[item] = word(item);
}
