struct Params {
  gradientsStart: u32,
  squaredNormStart: u32,
  parametersStart: u32,
  firstStart: u32,
  secondStart: u32,
  items: u32,
  clips: u32,
  limit: f32,
  keep: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  rate: f32,
  inverseRoot: f32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read> squaredNorm: array<f32>;
@group(0) @binding(3) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(4) var<storage, read_write> first: array<f32>;
@group(0) @binding(5) var<storage, read_write> second: array<f32>;
fn clipped(item: u32) -> f32 {
  let gradient = gradients[params.gradientsStart + item];
  if (params.clips == 0u) { return gradient; }
  let factor = params.limit / (sqrt(squaredNorm[params.squaredNormStart]) + 1e-6);
  return gradient * select(factor, 1.0, factor > 1.0);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let g = clipped(item);
  let m = fma(params.rest1, g, params.beta1 * first[params.firstStart + item]);
  let v = fma(params.rest2 * g, g, params.beta2 * second[params.secondStart + item]);
  first[params.firstStart + item] = m;
  second[params.secondStart + item] = v;
  let at = params.parametersStart + item;
  parameters[at] = params.keep * parameters[at] - params.rate * m / fma(sqrt(v), params.inverseRoot, params.epsilon);
}
