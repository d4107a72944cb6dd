import { defineKernel, FLAT_MAIN, LARGEST } from "../kernel.js";
import { LIST_LANES, merging, MOST } from "./top-k.js";

// Beam search, level by level: `topK` extends each candidate of a row by its nearest codewords, `beamSelect` keeps the
// best extensions of all candidates of the row, `residual` makes their residuals, and `beamTrace` follows the best one
// back through the levels in the end.
//
// What is chosen at each level is kept in arrays of [levels, stride]; at a level with k candidates to a row, candidate c of
// row i is at i·k + c.

/**
 * Workgroups: rows. Extensions are [rows, candidates, count], each candidate's nearest first, so their position breaks ties
 * by candidate, then by code. Keeps the best `keep`; unless it is the last level, the extension that greedy encoding
 * takes, the first of candidate `greedy`, is kept too, in the last place if need be.
 */
export const beamSelectKernel = defineKernel({
  name: "beamSelect",
  inputs: { codes: "i32", distances: "f32" },
  outputs: {
    chosenCodes: "i32",
    chosenDistances: "f32",
    chosenParents: "i32",
    greedy: "u32",
  },
  params: {
    rows: "u32",
    candidates: "u32",
    count: "u32",
    keep: "u32",
    levelStart: "u32",
    first: "u32",
    last: "u32",
  },
  body: `
var<workgroup> improved: atomic<u32>;
var<workgroup> agreed: u32;
var<workgroup> greedyPlace: atomic<u32>;

${merging(1, MOST)}

@compute @workgroup_size(${LIST_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let extensions = params.candidates * params.count;
  for (var i = lane; i < params.keep; i += ${LIST_LANES}u) {
    listScores[i] = ${LARGEST};
    listIndices[i] = 0xffff0000u + i;
  }
  workgroupBarrier();
  for (var start = 0u; start < extensions; start += ${LIST_LANES}u) {
    var score = ${LARGEST};
    var index = 0xfffe0000u + lane;
    if (start + lane < extensions) {
      index = start + lane;
      let distance = distances[params.distancesStart + row * extensions + index];
      if (distance < score) { score = distance; }
    }
    if (score < listScores[params.keep - 1u]) { atomicOr(&improved, 1u); }
    workgroupBarrier();
    if (lane == 0u) { agreed = atomicExchange(&improved, 0u); }
    if (workgroupUniformLoad(&agreed) != 0u) { merge(0u, params.keep, score, index, lane); }
  }
  // The place of the greedy extension, or the last.
  var wanted = 0u;
  if (params.first == 0u) { wanted = greedy[row] * params.count; }
  if (lane == 0u) { atomicStore(&greedyPlace, params.keep - 1u); }
  workgroupBarrier();
  for (var i = lane; i < params.keep; i += ${LIST_LANES}u) {
    if (listIndices[i] == wanted) { atomicMin(&greedyPlace, i); }
  }
  workgroupBarrier();
  let place = atomicLoad(&greedyPlace);
  for (var i = lane; i < params.keep; i += ${LIST_LANES}u) {
    var extension = min(listIndices[i], extensions - 1u);
    if (i == place && params.last == 0u) { extension = wanted; }
    let source = row * extensions + extension;
    let to = params.levelStart + row * params.keep + i;
    chosenCodes[to] = codes[params.codesStart + source];
    chosenDistances[to] = distances[params.distancesStart + source];
    chosenParents[to] = i32(row * params.candidates + extension / params.count);
  }
  if (lane == 0u) { greedy[row] = place; }
}`,
});

/** Items: rows. Codes and distances, [levels, rows], from what was chosen. */
export const beamTraceKernel = defineKernel({
  name: "beamTrace",
  inputs: { chosenCodes: "i32", chosenDistances: "f32", chosenParents: "i32" },
  outputs: { codes: "i32", distances: "f32" },
  params: { items: "u32", levels: "u32", stride: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  var index = item;
  for (var level = params.levels; level > 0u; level--) {
    let source = (level - 1u) * params.stride + index;
    let to = (level - 1u) * params.items + item;
    codes[to] = chosenCodes[source];
    distances[to] = chosenDistances[source];
    index = u32(chosenParents[source]);
  }
}`,
});
