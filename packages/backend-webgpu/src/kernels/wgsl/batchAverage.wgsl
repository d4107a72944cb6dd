struct Params {
  partialsStart: u32,
  runningStart: u32,
  items: u32,
  parts: u32,
  count: f32,
  continues: u32,
  last: u32,
  moves: u32,
  keep: f32,
  weight: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> running: array<f32>;
@group(0) @binding(3) var<storage, read_write> averages: array<f32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  var sum = 0.0;
  if (params.continues != 0u) { sum = averages[item]; }
  for (var part = 0u; part < params.parts; part++) {
    sum += partials[part * params.items + item];
  }
  if (params.last == 0u) {
    averages[item] = sum;
    return;
  }
  let average = sum / params.count;
  averages[item] = average;
  if (params.moves == 0u) { return; }
  let at = params.runningStart + item;
  running[at] = params.keep * running[at] + params.weight * average;
}
