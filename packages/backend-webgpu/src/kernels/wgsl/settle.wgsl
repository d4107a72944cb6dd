struct Params {
  values0Start: u32,
  values1Start: u32,
  cell: u32,
  own: u32,
  inputs: u32,
  input0: u32,
  input1: u32,
  input2: u32,
  input3: u32,
  input4: u32,
  input5: u32,
  firstRow: u32,
  kind0: u32,
  columns0: u32,
  limit0: u32,
  hasValues0: u32,
  kind1: u32,
  columns1: u32,
  limit1: u32,
  hasValues1: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values0: array<i32>;
@group(0) @binding(2) var<storage, read> values1: array<i32>;
@group(0) @binding(3) var<storage, read_write> faults: array<atomic<u32>>;
// Remembers the first position at fault. Counted down from the largest number, so that 0 stands for none.
fn fault(slot: u32, position: u32) {
  atomicMax(&faults[slot], 0xffffffffu - position);
}
fn write(kind: u32, row: u32, column: u32, value: u32, limit: u32) {
  let at = params.cell * 8u;
  atomicStore(&faults[at], kind);
  atomicStore(&faults[at + 1u], row);
  atomicStore(&faults[at + 2u], column);
  atomicStore(&faults[at + 3u], value);
  atomicStore(&faults[at + 4u], limit);
}

// Rows are launched in parts; codewords (kind 2) are not.
fn rowOf(kind: u32, row: u32) -> u32 {
  return row + select(params.firstRow, 0u, kind == 2u);
}

@compute @workgroup_size(1)
fn main() {
  var found0 = 0u;
  var found1 = 0u;
  if (params.own != 0u) {
    found0 = atomicExchange(&faults[0], 0u);
    found1 = atomicExchange(&faults[1], 0u);
  }
  var inputs = array<u32, 6>(
    params.input0, params.input1, params.input2, params.input3, params.input4, params.input5,
  );
  for (var i = 0u; i < params.inputs; i++) {
    let at = inputs[i] * 8u;
    let kind = atomicLoad(&faults[at]);
    if (kind != 0u) {
      write(
        kind,
        atomicLoad(&faults[at + 1u]),
        atomicLoad(&faults[at + 2u]),
        atomicLoad(&faults[at + 3u]),
        atomicLoad(&faults[at + 4u]),
      );
      return;
    }
  }
  if (found0 != 0u) {
    let position = 0xffffffffu - found0;
    var value = 0;
    if (params.hasValues0 != 0u) { value = values0[params.values0Start + position]; }
    write(params.kind0, rowOf(params.kind0, position / params.columns0), position % params.columns0, bitcast<u32>(value), params.limit0);
    return;
  }
  if (found1 != 0u) {
    let position = 0xffffffffu - found1;
    var value = 0;
    if (params.hasValues1 != 0u) { value = values1[params.values1Start + position]; }
    write(params.kind1, rowOf(params.kind1, position / params.columns1), position % params.columns1, bitcast<u32>(value), params.limit1);
    return;
  }
  write(0u, 0u, 0u, 0u, 0u);
}
