enable subgroups;
requires subgroup_id;

struct Params {
  probabilitiesStart: u32,
  gradientStart: u32,
  unitStart: u32,
  addedStart: u32,
  rows: u32,
  columns: u32,
  scale: f32,
  hasUnit: u32,
  adds: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> gradient: array<f32>;
@group(0) @binding(3) var<storage, read> unit: array<f32>;
@group(0) @binding(4) var<storage, read> added: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
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

fn logitScale() -> f32 {
  if (params.hasUnit == 0u) { return params.scale; }
  let measure = unit[params.unitStart];
  return params.scale / select(measure, 0x1p-60f, measure < 0x1p-60f);
}

fn gradientAt(start: u32, column: u32) -> f32 {
  let value = gradient[params.gradientStart + start + column];
  if (params.adds == 0u) { return value; }
  return value + added[params.addedStart + column];
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
  var products = 0.0;
  for (var i = lane; i < params.columns; i += 64u) {
    products = fma(probabilities[params.probabilitiesStart + start + i], gradientAt(start, i), products);
  }
  let mean = rowSum(products, lane, reach);
  for (var i = lane; i < params.columns; i += 64u) {
    out[start + i] = scale * probabilities[params.probabilitiesStart + start + i] * (gradientAt(start, i) - mean);
  }
}
