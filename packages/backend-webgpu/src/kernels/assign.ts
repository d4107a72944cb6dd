import { defineKernel, FINITE, FLAT_MAIN, LARGEST } from "../kernel.js";
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

// A row x chooses among codewords c by the score ½‖c‖² − x·c, or −x·c under `ip`. Every kernel that chooses adds the terms
// of a score in the same order with fma, so that assign and assignTopK agree to the bit.

/**
 * Items: codewords, [groups, codewords]. What scores start with: ½‖c‖², or 0 under `ip`. Fault in `slot`: the number, from
 * `base` on, of a codeword that is not finite or whose squared norm overflows.
 */
export const scoreStartsKernel = defineKernel({
  name: "scoreStarts",
  inputs: { codebooks: "f32" },
  outputs: { starts: "f32" },
  params: { items: "u32", dimension: "u32", ip: "u32", slot: "u32", base: "u32" },
  faulty: true,
  body: `
${FINITE}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let codeword = params.codebooksStart + item * params.dimension;
  var squares = 0.0;
  for (var i = 0u; i < params.dimension; i++) {
    let value = codebooks[codeword + i];
    squares = fma(value, value, squares);
  }
  if (!finite(squares)) { fault(params.slot, params.base + item); }
  starts[item] = select(0.5 * squares, 0.0, params.ip != 0u);
}`,
});

/**
 * Workgroups: (tile of 64 rows, group). Each goes through all codewords, 64 at a time; a lane keeps the least (score,
 * index) of its columns for each of its four rows, and the lanes of a row compare theirs at the end. The scores of a tile
 * are never stored.
 */
export const assignKernel = defineKernel({
  name: "assign",
  inputs: { x: "f32", codebooks: "f32", starts: "f32" },
  updates: { codes: "i32" },
  outputs: {},
  params: { rows: "u32", groups: "u32", codewords: "u32", dimension: "u32" },
  body: `
${TILE_MEMORY}
var<workgroup> indices: array<u32, ${TILE * LANES_ACROSS}>;
var<private> group: u32;

struct Best {
  score: f32,
  index: u32,
}

fn loadRow(row: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= params.dimension) { return 0.0; }
  return x[params.xStart + (row * params.groups + group) * params.dimension + k];
}

fn loadCodeword(codeword: u32, k: u32) -> f32 {
  if (codeword >= params.codewords || k >= params.dimension) { return 0.0; }
  return codebooks[params.codebooksStart + (group * params.codewords + codeword) * params.dimension + k];
}

fn loadStart(codeword: u32) -> f32 {
  if (codeword >= params.codewords) { return 0.0; }
  return starts[params.startsStart + group * params.codewords + codeword];
}

// A lane sees its codewords in the order of their index, so of equal scores the first stays.
fn better(best: Best, scores: vec4f, first: u32) -> Best {
  var result = best;
  for (var i = 0u; i < ${PER_LANE}u; i++) {
    let index = first + i * ${LANES_ACROSS}u;
    if (index < params.codewords && scores[i] < result.score) { result = Best(scores[i], index); }
  }
  return result;
}

// Columns of the tile of first rows are free once the last product is done.
fn keep(best: Best, line: u32, column: u32) {
  tileA[line * ${LANES_ACROSS}u + column] = best.score;
  indices[line * ${LANES_ACROSS}u + column] = best.index;
}

${TILE_MAIN}
  group = workgroup.y;
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * ${TILE}u;
  var best0 = Best(${LARGEST}, 0u);
  var best1 = best0;
  var best2 = best0;
  var best3 = best0;
  for (var firstColumn = 0u; firstColumn < params.codewords; firstColumn += ${TILE}u) {
    let column = firstColumn + lane.x;
    var sums0 = vec4f(
      loadStart(column),
      loadStart(column + ${LANES_ACROSS}u),
      loadStart(column + ${2 * LANES_ACROSS}u),
      loadStart(column + ${3 * LANES_ACROSS}u),
    );
    var sums1 = sums0;
    var sums2 = sums0;
    var sums3 = sums0;
    for (var first = 0u; first < params.dimension; first += DEPTH) {
${loadTiles("loadRow", "loadCodeword")}
${tileProduct("-")}
    }
    best0 = better(best0, sums0, column);
    best1 = better(best1, sums1, column);
    best2 = better(best2, sums2, column);
    best3 = better(best3, sums3, column);
  }
  keep(best0, lane.y, lane.x);
  keep(best1, lane.y + ${LANES_DOWN}u, lane.x);
  keep(best2, lane.y + ${2 * LANES_DOWN}u, lane.x);
  keep(best3, lane.y + ${3 * LANES_DOWN}u, lane.x);
  workgroupBarrier();
  let row = firstRow + index;
  if (index >= ${TILE}u || row >= params.rows) { return; }
  var best = Best(tileA[index * ${LANES_ACROSS}u], indices[index * ${LANES_ACROSS}u]);
  for (var i = 1u; i < ${LANES_ACROSS}u; i++) {
    let other = Best(tileA[index * ${LANES_ACROSS}u + i], indices[index * ${LANES_ACROSS}u + i]);
    if (other.score < best.score || (other.score == best.score && other.index < best.index)) {
      best = other;
    }
  }
  codes[params.codesStart + row * params.groups + group] = i32(best.index);
}`,
});

/**
 * Items: codes, [n, groups, count]. Distances of the chosen codewords, directly. Fault 0: the position, among [n, groups] and
 * from `base` on, of a slice of a row that is not finite or whose squared norm overflows.
 */
export const distancesKernel = defineKernel({
  name: "distances",
  inputs: { x: "f32", codebooks: "f32", codes: "i32" },
  updates: { distances: "f32" },
  outputs: {},
  params: {
    items: "u32",
    groups: "u32",
    count: "u32",
    codewords: "u32",
    dimension: "u32",
    ip: "u32",
    base: "u32",
  },
  faulty: true,
  body: `
${FINITE}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let position = item / params.count;
  let row = params.xStart + position * params.dimension;
  let number = (position % params.groups) * params.codewords + u32(codes[params.codesStart + item]);
  let codeword = params.codebooksStart + number * params.dimension;
  var squares = 0.0;
  var sum = 0.0;
  for (var i = 0u; i < params.dimension; i++) {
    let value = x[row + i];
    let other = codebooks[codeword + i];
    squares = fma(value, value, squares);
    if (params.ip != 0u) {
      sum = fma(-value, other, sum);
    } else {
      let difference = value - other;
      sum = fma(difference, difference, sum);
    }
  }
  if (!finite(squares)) { fault(0u, params.base + position); }
  distances[params.distancesStart + item] = sum;
}`,
});
