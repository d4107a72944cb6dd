struct Params {
  xStart: u32,
  codesStart: u32,
  weightsStart: u32,
  items: u32,
  firstRow: u32,
  rows: u32,
  groups: u32,
  codewords: u32,
  dimension: u32,
  chunkRows: u32,
  weighted: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> codes: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
@group(0) @binding(5) var<storage, read_write> faults: array<atomic<u32>>;
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}
fn add(total: vec2f, value: f32) -> vec2f {
  let term = value - total.y;
  let sum = total.x + term;
  return vec2f(sum, (sum - total.x) - term);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let columns = params.dimension + 1u;
  let column = item % columns;
  let group = (item / columns) % params.groups;
  let chunk = params.firstRow / params.chunkRows + item / (columns * params.groups);
  let clusters = (chunk * params.groups + group) * params.codewords;
  let begin = max(params.firstRow, chunk * params.chunkRows) - params.firstRow;
  let end = min(params.rows, (chunk + 1u) * params.chunkRows - params.firstRow);
  for (var row = begin; row < end; row++) {
    let position = row * params.groups + group;
    let code = codes[params.codesStart + position];
    if (code < 0 || u32(code) >= params.codewords) {
      fault(0u, position);
      continue;
    }
    var value = 1.0;
    if (params.weighted != 0u) { value = weights[params.weightsStart + row]; }
    if (column < params.dimension) { value *= x[params.xStart + position * params.dimension + column]; }
    let at = 2u * ((clusters + u32(code)) * columns + column);
    let total = add(vec2f(partials[at], partials[at + 1u]), value);
    partials[at] = total.x;
    partials[at + 1u] = total.y;
  }
}
