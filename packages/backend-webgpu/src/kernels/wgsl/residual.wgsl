struct Params {
  xStart: u32,
  codebooksStart: u32,
  codesStart: u32,
  parentsStart: u32,
  items: u32,
  groups: u32,
  codewords: u32,
  dimension: u32,
  rows: u32,
  first: u32,
  bound: u32,
  hasParents: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> codebooks: array<f32>;
@group(0) @binding(3) var<storage, read> codes: array<i32>;
@group(0) @binding(4) var<storage, read> parents: array<i32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
@group(0) @binding(6) var<storage, read_write> faults: array<atomic<u32>>;
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
  let position = item / params.dimension;
  let row = position / params.groups;
  var parent = row;
  if (params.hasParents != 0u) {
    let given = parents[params.parentsStart + row];
    if (given < 0 || u32(given) >= params.rows) {
      fault(1u, row);
      return;
    }
    parent = u32(given);
  }
  let code = codes[params.codesStart + position];
  if (code < 0 || u32(code) >= params.codewords) {
    fault(0u, position);
    return;
  }
  if (parent < params.first || parent - params.first >= params.bound) { return; }
  let width = params.groups * params.dimension;
  let codeword = (position % params.groups) * params.codewords + u32(code);
  out[item] = x[params.xStart + (parent - params.first) * width + item % width]
    - codebooks[params.codebooksStart + codeword * params.dimension + item % params.dimension];
}
