import { defineKernel, FLAT_MAIN } from "../kernel.js";

// Sums of rows by code, in an order that depends on the shapes alone. Atomic additions of floats would add in whatever
// order the lanes arrive. Instead, the rows are cut into chunks; for each chunk one lane owns one column of every cluster
// and adds its rows one after another; a second kernel adds the chunks. Each sum carries what its roundings lost (Kahan
// 1965), which keeps it within two roundings of the exact sum, however many rows there are.
//
// Column `dimension` counts: its value is 1 in every row, or the row's weight.

const ADD = `
fn add(total: vec2f, value: f32) -> vec2f {
  let term = value - total.y;
  let sum = total.x + term;
  return vec2f(sum, (sum - total.x) - term);
}`.trim();

/**
 * Items: (chunk, group, column), columns fastest; chunks from that of `firstRow` on, which is the first of the `rows` that are
 * given. Partial sums are [chunks, groups, codewords, dimension + 1] pairs of a sum and its loss, 0 at first; what earlier
 * launches made of a chunk is added to. Fault 0: the position of a code out of range, among those given.
 */
export const clusterChunksKernel = defineKernel({
  name: "clusterChunks",
  inputs: { x: "f32", codes: "i32", weights: "f32" },
  outputs: { partials: "f32" },
  params: {
    items: "u32",
    firstRow: "u32",
    rows: "u32",
    groups: "u32",
    codewords: "u32",
    dimension: "u32",
    chunkRows: "u32",
    weighted: "u32",
  },
  faulty: true,
  body: `
${ADD}

${FLAT_MAIN}
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
}`,
});

/** Items: (group, codeword, column), columns fastest. Sums, but not counts, are times `weight`. */
export const clusterTotalsKernel = defineKernel({
  name: "clusterTotals",
  inputs: { partials: "f32" },
  updates: { sums: "f32", counts: "f32" },
  outputs: {},
  params: { items: "u32", dimension: "u32", chunks: "u32", weight: "f32", keepsSums: "u32" },
  body: `
${ADD}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  var total = vec2f(0.0, 0.0);
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let at = params.partialsStart + 2u * (chunk * params.items + item);
    total = add(add(total, partials[at]), -partials[at + 1u]);
  }
  let columns = params.dimension + 1u;
  let cluster = item / columns;
  let column = item % columns;
  if (column < params.dimension) {
    if (params.keepsSums != 0u) {
      sums[params.sumsStart + cluster * params.dimension + column] = params.weight * total.x;
    }
  } else {
    counts[params.countsStart + cluster] = total.x;
  }
}`,
});
