struct Params {
  xStart: u32,
  items: u32,
  parts: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
var<workgroup> sums: array<f32, 256>;

fn spanSum(value: f32, lane: u32, reach: u32) -> f32 {
  sums[lane] = value;
  workgroupBarrier();
  for (var distance = 128u; distance >= reach; distance /= 2u) {
    if (lane < distance) { sums[lane] = sums[lane] + sums[lane + distance]; }
    workgroupBarrier();
  }
  let result = sums[0];
  workgroupBarrier();
  return result;
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let reach = 1u;
  let part = workgroup.z * workgroups.x + workgroup.x;
  if (part >= params.parts) { return; }
  let end = min(params.items, (part + 1u) * 4096u);
  var each = 0.0;
  for (var i = part * 4096u + lane; i < end; i += 256u) {
    let value = x[params.xStart + i];
    each = fma(value, value, each);
  }
  let sum = spanSum(each, lane, reach);
  if (lane == 0u) { partials[part] = sum; }
}
