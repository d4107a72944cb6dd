struct Params {
  sourceStart: u32,
  copiedStart: u32,
  items: u32,
  bytes: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<u32>;
@group(0) @binding(2) var<storage, read_write> copied: array<u32>;
@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let item = (workgroup.y * workgroups.x + workgroup.x) * 256u + lane;
  if (item >= params.items) { return; }
  let at = params.copiedStart / 4u + item;
  var word = copied[at];
  for (var i = 0u; i < 4u; i++) {
    let byte = 4u * at + i;
    if (byte >= params.copiedStart && byte < params.copiedStart + params.bytes) {
      let place = params.sourceStart + byte - params.copiedStart;
      let value = (source[place / 4u] >> (8u * (place % 4u))) & 0xffu;
      word = (word & ~(0xffu << (8u * i))) | (value << (8u * i));
    }
  }
  copied[at] = word;
}
