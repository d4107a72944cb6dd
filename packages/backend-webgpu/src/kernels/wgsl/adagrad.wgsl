struct Params {
  gradientsStart: u32,
  squaredNormStart: u32,
  parametersStart: u32,
  squaresStart: u32,
  items: u32,
  clips: u32,
  limit: f32,
  keep: f32,
  rate: f32,
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> gradients: array<f32>;
@group(0) @binding(2) var<storage, read> squaredNorm: array<f32>;
@group(0) @binding(3) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(4) var<storage, read_write> squares: array<f32>;
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
  let s = fma(g, g, squares[params.squaresStart + item]);
  squares[params.squaresStart + item] = s;
  let at = params.parametersStart + item;
  parameters[at] = params.keep * parameters[at] - params.rate * g / (sqrt(s) + params.epsilon);
}
