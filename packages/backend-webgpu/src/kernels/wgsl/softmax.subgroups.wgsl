enable subgroups;
requires subgroup_id;

struct Params {
  logitsStart: u32,
  unitStart: u32,
  rows: u32,
  columns: u32,
  scale: f32,
  hasUnit: u32,
  noisy: u32,
  noiseScale: f32,
  seed: u32,
  call: u32,
  firstRow: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> unit: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
fn finite(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
}

fn exponential(x: f32) -> f32 {
  return select(exp(x), 0.0, x < -87.0);
}

fn logarithm(x: f32) -> f32 {
  if (!finite(x)) { return x; }
  // x = 2ⁿ·m with m in √½..√2.
  let bits = bitcast<i32>(x);
  let n = (bits - 0x3f3504f3) >> 23u;
  let m = bitcast<f32>(bits - (n << 23u));
  // ln m = 2·artanh(s), |s| < 0.172.
  let s = (m - 1.0) / (m + 1.0);
  let square = s * s;
  var sum = 0.1111111111111111;
  sum = fma(sum, square, 0.14285714285714285);
  sum = fma(sum, square, 0.2);
  sum = fma(sum, square, 0.3333333333333333);
  let rest = fma(2.0 * s * square, sum, 2.0 * s);
  // ln 2 in two parts, of which the first times n is exact.
  return fma(f32(n), 0x1.63p-1f, fma(f32(n), -0x1.bd0106p-13f, rest));
}

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

var<workgroup> parts: array<f32, 64>;

fn rowSum(value: f32, lane: u32, reach: u32) -> f32 {
  var own = value;
  if (reach < 64u) {
    parts[lane] = own;
    workgroupBarrier();
    for (var distance = 32u; distance >= reach; distance /= 2u) {
      if (lane < distance) { parts[lane] = parts[lane] + parts[lane + distance]; }
      workgroupBarrier();
    }
    own = parts[lane];
  }
  for (var distance = reach / 2u; distance > 0u; distance /= 2u) {
    own = own + subgroupShuffleXor(own, distance);
  }
  if (reach < 64u) {
    if (lane == 0u) { parts[0] = own; }
    workgroupBarrier();
    own = parts[0];
    workgroupBarrier();
  }
  return own;
}

fn rowLargest(value: f32, lane: u32, reach: u32) -> f32 {
  var own = value;
  if (reach < 64u) {
    parts[lane] = own;
    workgroupBarrier();
    for (var distance = 32u; distance >= reach; distance /= 2u) {
      if (lane < distance) { parts[lane] = max(parts[lane], parts[lane + distance]); }
      workgroupBarrier();
    }
    own = parts[lane];
  }
  for (var distance = reach / 2u; distance > 0u; distance /= 2u) {
    own = max(own, subgroupShuffleXor(own, distance));
  }
  if (reach < 64u) {
    if (lane == 0u) { parts[0] = own; }
    workgroupBarrier();
    own = parts[0];
    workgroupBarrier();
  }
  return own;
}

fn logitScale() -> f32 {
  if (params.hasUnit == 0u) { return params.scale; }
  let measure = unit[params.unitStart];
  return params.scale / select(measure, 0x1p-60f, measure < 0x1p-60f);
}

fn gumbel(word: u32) -> f32 {
  let uniform = (f32(word >> 9u) + 0.5) * 0x1p-23f;
  return -logarithm(-logarithm(uniform));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(num_subgroups) subgroups: u32,
  @builtin(subgroup_size) size: u32,
  @builtin(subgroup_invocation_id) place: u32,
) {
  let full = subgroups * size == 64u;
  let reach = select(1u, size, full);
  let lane = select(index, subgroup * size + place, full);
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;
  let scale = logitScale();
  if (params.noisy != 0u) {
    // A block of random words is for four elements of the tensor, wherever rows start.
    let element = (params.firstRow + row) * params.columns;
    for (var block = element / 4u + lane; 4u * block < element + params.columns; block += 64u) {
      let words = philox(vec4u(block, params.call, 0u, 4u), params.seed);
      for (var i = 0u; i < 4u; i++) {
        // Of elements before the row, that is a large number.
        let column = 4u * block + i - element;
        if (column >= params.columns) { continue; }
        let logit = scale * logits[params.logitsStart + start + column];
        out[start + column] = fma(params.noiseScale, gumbel(words[i]), logit);
      }
    }
  } else {
    for (var i = lane; i < params.columns; i += 64u) { out[start + i] = scale * logits[params.logitsStart + start + i]; }
  }
  storageBarrier();
  var most = -0x1.fffffep+127f;
  for (var i = lane; i < params.columns; i += 64u) { most = select(most, out[start + i], out[start + i] > most); }
  let largest = rowLargest(most, lane, reach);
  var each = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    let value = exponential(out[start + i] - largest);
    out[start + i] = value;
    each += value;
  }
  let sum = rowSum(each, lane, reach);
  let inverse = 1.0 / sum;
  for (var i = lane; i < params.columns; i += 64u) { out[start + i] *= inverse; }
}
