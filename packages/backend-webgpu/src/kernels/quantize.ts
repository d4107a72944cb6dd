import { defineKernel, FLAT_MAIN } from "../kernel.js";

/**
 * Items: values of the rows, [n, groups·dimension]. Takes a level's codewords, that `assign` chose, from what the levels
 * before left: left − c. The output gets c added, and the pull `weight` times what is left now; on the first level they
 * are set.
 */
export const takeLevelKernel = defineKernel({
  name: "takeLevel",
  inputs: { x: "f32", codebooks: "f32", codes: "i32" },
  outputs: { left: "f32", output: "f32", pull: "f32" },
  params: {
    items: "u32",
    groups: "u32",
    codewords: "u32",
    dimension: "u32",
    weight: "f32",
    first: "u32",
  },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let position = item / params.dimension;
  let codeword = (position % params.groups) * params.codewords + u32(codes[params.codesStart + position]);
  let chosen = codebooks[params.codebooksStart + codeword * params.dimension + item % params.dimension];
  let rest = x[params.xStart + item] - chosen;
  left[item] = rest;
  if (params.first != 0u) {
    output[item] = chosen;
    pull[item] = params.weight * rest;
  } else {
    output[item] += chosen;
    pull[item] += params.weight * rest;
  }
}`,
});
