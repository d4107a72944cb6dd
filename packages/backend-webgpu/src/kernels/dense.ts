import { defineKernel, FLAT_MAIN } from "../kernel.js";
import { loadTiles, LANES_ACROSS, LANES_DOWN, TILE, TILE_MEMORY, tileProduct } from "./tile.js";

/** Items: values of the result. */
export const combineKernel = defineKernel({
  name: "combine",
  inputs: { a: "f32", b: "f32" },
  outputs: { out: "f32" },
  params: { items: "u32", alpha: "f32", beta: "f32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  out[item] = params.alpha * a[params.aStart + item] + params.beta * b[params.bStart + item];
}`,
});

/**
 * Workgroups: tiles of the result, [rows, columns]. Transposition is a matter of strides: element (row, k) of `a` is at
 * row·aRow + k·aInner, element (k, column) of `b` at column·bColumn + k·bInner. Products are added in the order of k.
 */
export const matmulKernel = defineKernel({
  name: "matmul",
  inputs: { a: "f32", b: "f32", bias: "f32" },
  outputs: { out: "f32" },
  params: {
    rows: "u32",
    inner: "u32",
    columns: "u32",
    aRow: "u32",
    aInner: "u32",
    bColumn: "u32",
    bInner: "u32",
    hasBias: "u32",
    relu: "u32",
  },
  body: `
${TILE_MEMORY}

fn loadA(row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= params.inner) { return 0.0; }
  return a[params.aStart + row * params.aRow + k * params.aInner];
}

fn loadB(column: u32, k: u32) -> f32 {
  if (column >= params.columns || k >= params.inner) { return 0.0; }
  return b[params.bStart + column * params.bColumn + k * params.bInner];
}

fn store(row: u32, firstColumn: u32, sums: vec4f) {
  for (var i = 0u; i < 4u; i++) {
    let column = firstColumn + i * ${LANES_ACROSS}u;
    if (row < params.rows && column < params.columns) {
      var value = sums[i];
      if (params.hasBias != 0u) { value += bias[params.biasStart + column]; }
      if (params.relu != 0u) { value = max(value, 0.0); }
      out[row * params.columns + column] = value;
    }
  }
}

@compute @workgroup_size(${LANES_ACROSS}, ${LANES_DOWN})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * ${TILE}u;
  let firstColumn = workgroup.y * ${TILE}u;
  var sums0 = vec4f();
  var sums1 = vec4f();
  var sums2 = vec4f();
  var sums3 = vec4f();
  for (var first = 0u; first < params.inner; first += DEPTH) {
${loadTiles("loadA", "loadB")}
${tileProduct("")}
  }
  let row = firstRow + lane.y;
  let column = firstColumn + lane.x;
  store(row, column, sums0);
  store(row + ${LANES_DOWN}u, column, sums1);
  store(row + ${2 * LANES_DOWN}u, column, sums2);
  store(row + ${3 * LANES_DOWN}u, column, sums3);
}`,
});
