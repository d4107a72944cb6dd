import { defineKernel, FLAT_MAIN } from "../kernel.js";
import { ACTIVATION } from "./activation.js";
import {
  loadTiles,
  LANES_ACROSS,
  LANES_DOWN,
  TILE,
  TILE_MEMORY,
  tileProduct,
  PER_LANE,
  TILE_MAIN,
} from "./tile.js";

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

const STRIDES = `
fn loadA(row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= end) { return 0.0; }
  return a[params.aStart + row * params.aRow + k * params.aInner];
}

fn loadB(column: u32, k: u32) -> f32 {
  if (column >= params.columns || k >= end) { return 0.0; }
  return b[params.bStart + column * params.bColumn + k * params.bInner];
}`.trim();

/** Products from `begin` to `last` of the inner axis, in its order, to what is `stored`; then `store` of each row's four. */
const PRODUCT = `
  let row = firstRow + lane.y;
  let column = firstColumn + lane.x;
  var sums0 = stored(row, column);
  var sums1 = stored(row + ${LANES_DOWN}u, column);
  var sums2 = stored(row + ${2 * LANES_DOWN}u, column);
  var sums3 = stored(row + ${3 * LANES_DOWN}u, column);
  for (var first = begin; first < last; first += DEPTH) {
${loadTiles("loadA", "loadB")}
${tileProduct("")}
  }
  store(row, column, sums0);
  store(row + ${LANES_DOWN}u, column, sums1);
  store(row + ${2 * LANES_DOWN}u, column, sums2);
  store(row + ${3 * LANES_DOWN}u, column, sums3);`.slice(1);

/** What a product's result goes through on its way, by number. */
export const ADDED = { nothing: 0, bias: 1, matrix: 2 } as const;

/**
 * Workgroups: tiles of the result, [rows, columns]. Transposition is a matter of strides: element (row, k) of `a` is at
 * row·aRow + k·aInner, element (k, column) of `b` at column·bColumn + k·bInner. Products are added in the order of k.
 *
 * The columns may be some of the `pitch` that there are, from `firstColumn` on. With `continues`, the result holds the
 * sums of the products before these.
 *
 * To that comes `added`: a value for each column, or for each value. Then the activation is applied, or with
 * `backward`, its derivative at `before`. With `keepsPre`, `pre` gets what the activation is applied to.
 */
export const matmulKernel = defineKernel({
  name: "matmul",
  inputs: { a: "f32", b: "f32", added: "f32", before: "f32" },
  updates: { out: "f32", pre: "f32" },
  outputs: {},
  params: {
    rows: "u32",
    inner: "u32",
    columns: "u32",
    aRow: "u32",
    aInner: "u32",
    bColumn: "u32",
    bInner: "u32",
    pitch: "u32",
    firstColumn: "u32",
    continues: "u32",
    adds: "u32",
    activation: "u32",
    backward: "u32",
    keepsPre: "u32",
  },
  body: `
${TILE_MEMORY}
var<private> end: u32;

${STRIDES}

${ACTIVATION}

fn stored(row: u32, firstColumn: u32) -> vec4f {
  var sums = vec4f();
  if (params.continues == 0u) { return sums; }
  for (var i = 0u; i < ${PER_LANE}u; i++) {
    let column = firstColumn + i * ${LANES_ACROSS}u;
    if (row >= params.rows || column >= params.columns) { continue; }
    sums[i] = out[params.outStart + row * params.pitch + params.firstColumn + column];
  }
  return sums;
}

fn store(row: u32, firstColumn: u32, sums: vec4f) {
  for (var i = 0u; i < ${PER_LANE}u; i++) {
    let column = firstColumn + i * ${LANES_ACROSS}u;
    if (row >= params.rows || column >= params.columns) { continue; }
    let at = row * params.pitch + params.firstColumn + column;
    var value = sums[i];
    if (params.adds == ${ADDED.bias}u) { value += added[params.addedStart + params.firstColumn + column]; }
    if (params.adds == ${ADDED.matrix}u) { value += added[params.addedStart + at]; }
    if (params.keepsPre != 0u) { pre[params.preStart + at] = value; }
    if (params.backward != 0u) {
      out[params.outStart + at] = throughActivation(params.activation, value, before[params.beforeStart + at]);
    } else {
      out[params.outStart + at] = activate(params.activation, value);
    }
  }
}

${TILE_MAIN}
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * ${TILE}u;
  let firstColumn = workgroup.y * ${TILE}u;
  let begin = 0u;
  let last = params.inner;
  end = last;
${PRODUCT}
}`,
});

/**
 * As `matmul`, in parts of `span` along the inner axis, which is long where the gradients of all rows are added up.
 * Workgroups: (tile of rows, tile of columns and part, parts fastest). Partial sums are [parts, rows, columns].
 *
 * Of the inner axis, `inner` are given from `first` on, and `parts` of which some are given from `firstPart` on; what earlier
 * launches made of a part is added to.
 */
export const matmulPartsKernel = defineKernel({
  name: "matmulParts",
  inputs: { a: "f32", b: "f32" },
  outputs: { partials: "f32" },
  params: {
    rows: "u32",
    inner: "u32",
    columns: "u32",
    aRow: "u32",
    aInner: "u32",
    bColumn: "u32",
    bInner: "u32",
    parts: "u32",
    span: "u32",
    first: "u32",
    firstPart: "u32",
  },
  body: `
${TILE_MEMORY}
var<private> end: u32;
var<private> part: u32;

${STRIDES}

fn stored(row: u32, firstColumn: u32) -> vec4f {
  var sums = vec4f();
  if (part * params.span >= params.first) { return sums; }
  for (var i = 0u; i < ${PER_LANE}u; i++) {
    let column = firstColumn + i * ${LANES_ACROSS}u;
    if (row >= params.rows || column >= params.columns) { continue; }
    sums[i] = partials[(part * params.rows + row) * params.columns + column];
  }
  return sums;
}

fn store(row: u32, firstColumn: u32, sums: vec4f) {
  for (var i = 0u; i < ${PER_LANE}u; i++) {
    let column = firstColumn + i * ${LANES_ACROSS}u;
    if (row >= params.rows || column >= params.columns) { continue; }
    partials[(part * params.rows + row) * params.columns + column] = sums[i];
  }
}

${TILE_MAIN}
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * ${TILE}u;
  let firstColumn = workgroup.y / params.parts * ${TILE}u;
  let number = params.firstPart + workgroup.y % params.parts;
  part = number;
  let begin = max(params.first, number * params.span) - params.first;
  let last = min(params.inner, (number + 1u) * params.span - params.first);
  end = last;
${PRODUCT}
}`,
});

/**
 * Items: (chunk of rows, column), columns fastest. Sums of a chunk's rows by column, and with `products`, of
 * gradient · x̂, where x̂ is x normalized by its row's statistics. Partial sums are [chunks, 1 or 2, columns].
 */
export const columnSumsKernel = defineKernel({
  name: "columnSums",
  inputs: { gradient: "f32", x: "f32", statistics: "f32" },
  outputs: { partials: "f32" },
  params: { items: "u32", rows: "u32", columns: "u32", chunkRows: "u32", products: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let column = item % params.columns;
  let chunk = item / params.columns;
  let end = min(params.rows, (chunk + 1u) * params.chunkRows);
  var sum = 0.0;
  var product = 0.0;
  for (var row = chunk * params.chunkRows; row < end; row++) {
    let at = row * params.columns + column;
    let value = gradient[params.gradientStart + at];
    sum += value;
    if (params.products != 0u) {
      let unit = (x[params.xStart + at] - statistics[2u * row]) * statistics[2u * row + 1u];
      product = fma(value, unit, product);
    }
  }
  let at = chunk * (params.products + 1u) * params.columns + column;
  partials[at] = sum;
  if (params.products != 0u) { partials[at + params.columns] = product; }
}`,
});

/** Items: sums. Each becomes the sum of its parts, `stride` apart from `first` on, in their order; with `continues`, of itself and them. */
export const sumPartsKernel = defineKernel({
  name: "sumParts",
  inputs: { partials: "f32" },
  updates: { sums: "f32" },
  outputs: {},
  params: { items: "u32", parts: "u32", stride: "u32", first: "u32", continues: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  var sum = 0.0;
  if (params.continues != 0u) { sum = sums[params.sumsStart + item]; }
  for (var part = 0u; part < params.parts; part++) {
    sum += partials[params.first + part * params.stride + item];
  }
  sums[params.sumsStart + item] = sum;
}`,
});
