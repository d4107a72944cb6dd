struct Params {
  xStart: u32,
  items: u32,
  values: u32,
  firstBlock: u32,
  threshold: u32,
  scale: f32,
  seed: u32,
  call: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
fn highProduct(a: u32, b: u32) -> u32 {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
  let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
}

fn philox(counter: vec4u, seed: u32) -> vec4u {
  var words = counter;
  var keys = vec2u(seed, 0u);
  for (var round = 0u; round < 10u; round++) {
    words = vec4u(
      highProduct(0xcd9e8d57u, words.z) ^ words.y ^ keys.x,
      0xcd9e8d57u * words.z,
      highProduct(0xd2511f53u, words.x) ^ words.w ^ keys.y,
      0xd2511f53u * words.x,
    );
    keys += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return words;
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let words = philox(vec4u(params.firstBlock + item, params.call, 0u, 3u), params.seed);
  let end = min(params.values, 4u * item + 4u);
  for (var i = 4u * item; i < end; i++) {
    let kept = words[i % 4u] >= params.threshold;
    out[i] = select(0.0, x[params.xStart + i] * params.scale, kept);
  }
}
