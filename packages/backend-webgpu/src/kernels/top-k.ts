import { defineKernel, LARGEST } from "../kernel.js";

/** The most codewords that assignTopK returns for a row. */
export const MOST = 256;

/**
 * As many as most calls want. They take less than half of the workgroup memory, which is filled with zeros before each
 * workgroup starts, and of which more leaves room for fewer workgroups at once.
 */
export const FEW = 32;

/** One wave of most GPUs; each lane scores one codeword at a time. */
export const LIST_LANES = 64;

/** Rows of a workgroup: their lists of 256 scores and indices take 8 KiB of workgroup memory, half of what there is. */
export const TOP_ROWS = 4;

/** Values of a row in workgroup memory at once: with a codeword for each lane, 4 KiB beside the lists. */
const DEPTH = 16;

/**
 * Keeps the least `count` pairs of (score, index), in order. `merge` takes the list at `list` and one candidate from each
 * lane, whose indices ascend with the lanes. All pairs are different, so the place of a pair is the number of pairs below
 * it: the candidates count one another, and the two sorted lists search one another.
 *
 * @param lists how many there are
 * @param most places of each
 */
export function merging(lists: number, most: number): string {
  return `
var<workgroup> listScores: array<f32, ${lists * most}>;
var<workgroup> listIndices: array<u32, ${lists * most}>;
var<workgroup> oldScores: array<f32, ${most}>;
var<workgroup> oldIndices: array<u32, ${most}>;
var<workgroup> newScores: array<f32, ${LIST_LANES}>;
var<workgroup> sortedScores: array<f32, ${LIST_LANES}>;
var<workgroup> sortedIndices: array<u32, ${LIST_LANES}>;

fn isBelow(score: f32, index: u32, thanScore: f32, thanIndex: u32) -> bool {
  return score < thanScore || (score == thanScore && index < thanIndex);
}

fn oldBelow(count: u32, score: f32, index: u32) -> u32 {
  var low = 0u;
  var high = count;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (isBelow(oldScores[middle], oldIndices[middle], score, index)) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

fn sortedBelow(score: f32, index: u32) -> u32 {
  var low = 0u;
  var high = ${LIST_LANES}u;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (isBelow(sortedScores[middle], sortedIndices[middle], score, index)) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

fn merge(list: u32, count: u32, score: f32, index: u32, lane: u32) {
  for (var i = lane; i < count; i += ${LIST_LANES}u) {
    oldScores[i] = listScores[list + i];
    oldIndices[i] = listIndices[list + i];
  }
  newScores[lane] = score;
  workgroupBarrier();
  var rank = 0u;
  for (var i = 0u; i < ${LIST_LANES}u; i++) { rank += u32(isBelow(newScores[i], i, score, lane)); }
  sortedScores[rank] = score;
  sortedIndices[rank] = index;
  workgroupBarrier();
  for (var i = lane; i < count; i += ${LIST_LANES}u) {
    let place = i + sortedBelow(oldScores[i], oldIndices[i]);
    if (place < count) {
      listScores[list + place] = oldScores[i];
      listIndices[list + place] = oldIndices[i];
    }
  }
  let place = rank + oldBelow(count, score, index);
  if (place < count) {
    listScores[list + place] = score;
    listIndices[list + place] = index;
  }
  workgroupBarrier();
}`.trim();
}

/**
 * Workgroups: (${TOP_ROWS} rows, group). Each goes through all codewords, ${LIST_LANES} at a time, and merges their scores into
 * the list of each row, unless none of them belongs there. With `direct`, scores are squared distances, which keep their
 * digits far from the origin, and are returned. `count` is at most `most`.
 */
function defineTopK(name: string, most: number) {
  return defineKernel({
    name,
    inputs: { x: "f32", codebooks: "f32", starts: "f32" },
    outputs: { codes: "i32", distances: "f32" },
    params: {
      rows: "u32",
      groups: "u32",
      codewords: "u32",
      dimension: "u32",
      count: "u32",
      direct: "u32",
    },
    body: `
const DEPTH = ${DEPTH}u;
const PITCH = ${LIST_LANES + 1}u;
var<workgroup> rowTile: array<vec4f, DEPTH>;
var<workgroup> bookTile: array<f32, DEPTH * PITCH>;
var<workgroup> improved: atomic<u32>;
var<workgroup> agreed: u32;

${merging(TOP_ROWS, most)}

fn loadRow(row: u32, group: u32, k: u32) -> f32 {
  if (row >= params.rows || k >= params.dimension) { return 0.0; }
  return x[params.xStart + (row * params.groups + group) * params.dimension + k];
}

fn loadCodeword(codeword: u32, group: u32, k: u32) -> f32 {
  if (codeword >= params.codewords || k >= params.dimension) { return 0.0; }
  return codebooks[params.codebooksStart + (group * params.codewords + codeword) * params.dimension + k];
}

@compute @workgroup_size(${LIST_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = workgroup.y;
  let firstRow = (workgroup.z * workgroups.x + workgroup.x) * ${TOP_ROWS}u;
  // Places that no codeword has taken hold numbers above every index, each its own.
  for (var i = lane; i < ${TOP_ROWS * most}u; i += ${LIST_LANES}u) {
    listScores[i] = ${LARGEST};
    listIndices[i] = 0xffff0000u + i;
  }
  for (var first = 0u; first < params.codewords; first += ${LIST_LANES}u) {
    let codeword = first + lane;
    var start = 0.0;
    if (params.direct == 0u && codeword < params.codewords) { start = starts[params.startsStart + group * params.codewords + codeword]; }
    var sums = vec4f(start);
    for (var k0 = 0u; k0 < params.dimension; k0 += DEPTH) {
      for (var i = lane; i < ${LIST_LANES}u * DEPTH; i += ${LIST_LANES}u) {
        bookTile[i % DEPTH * PITCH + i / DEPTH] = loadCodeword(first + i / DEPTH, group, k0 + i % DEPTH);
      }
      if (lane < DEPTH) {
        rowTile[lane] = vec4f(
          loadRow(firstRow, group, k0 + lane),
          loadRow(firstRow + 1u, group, k0 + lane),
          loadRow(firstRow + 2u, group, k0 + lane),
          loadRow(firstRow + 3u, group, k0 + lane),
        );
      }
      workgroupBarrier();
      for (var k = 0u; k < DEPTH; k++) {
        let values = rowTile[k];
        let other = vec4f(bookTile[k * PITCH + lane]);
        if (params.direct != 0u) {
          sums = fma(values - other, values - other, sums);
        } else {
          sums = fma(-values, other, sums);
        }
      }
      workgroupBarrier();
    }
    var index = codeword;
    if (codeword >= params.codewords) {
      sums = vec4f(${LARGEST});
      index = 0xfffe0000u + lane;
    }
    // A score that is not a number would not be in any order; its row or codeword is at fault.
    sums = select(vec4f(${LARGEST}), sums, sums < vec4f(${LARGEST}));
    for (var r = 0u; r < ${TOP_ROWS}u; r++) {
      // Of equal scores, those in the list have the lower index.
      if (sums[r] < listScores[r * ${most}u + params.count - 1u]) { atomicOr(&improved, 1u << r); }
    }
    workgroupBarrier();
    if (lane == 0u) { agreed = atomicExchange(&improved, 0u); }
    let rows = workgroupUniformLoad(&agreed);
    for (var r = 0u; r < ${TOP_ROWS}u; r++) {
      if ((rows & (1u << r)) != 0u) { merge(r * ${most}u, params.count, sums[r], index, lane); }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < ${TOP_ROWS}u * params.count; i += ${LIST_LANES}u) {
    let row = firstRow + i / params.count;
    let place = i % params.count;
    if (row < params.rows) {
      let at = (row * params.groups + group) * params.count + place;
      let listed = i / params.count * ${most}u + place;
      codes[at] = i32(min(listIndices[listed], params.codewords - 1u));
      if (params.direct != 0u) { distances[at] = listScores[listed]; }
    }
  }
}`,
  });
}

export const topKKernel = defineTopK("topK", MOST);
export const topFewKernel = defineTopK("topFew", FEW);

/** The kernel for as many. */
export function topKernel(count: number): typeof topKKernel {
  return count <= FEW ? topFewKernel : topKKernel;
}
