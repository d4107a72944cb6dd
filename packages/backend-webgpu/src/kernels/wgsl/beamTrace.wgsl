struct Params {
  chosenCodesStart: u32,
  chosenDistancesStart: u32,
  chosenParentsStart: u32,
  items: u32,
  levels: u32,
  stride: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> chosenCodes: array<i32>;
@group(0) @binding(2) var<storage, read> chosenDistances: array<f32>;
@group(0) @binding(3) var<storage, read> chosenParents: array<i32>;
@group(0) @binding(4) var<storage, read_write> codes: array<i32>;
@group(0) @binding(5) var<storage, read_write> distances: array<f32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  var index = item;
  for (var level = params.levels; level > 0u; level--) {
    let source = (level - 1u) * params.stride + index;
    let to = (level - 1u) * params.items + item;
    codes[to] = chosenCodes[source];
    distances[to] = chosenDistances[source];
    index = u32(chosenParents[source]);
  }
}
