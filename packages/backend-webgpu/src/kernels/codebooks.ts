import { defineKernel, FLAT_MAIN } from "../kernel.js";

// Values are copied as u32, so that every bit survives.

/** Items: values of the result, [n, groups·dimension]. Fault 0: the position of a code out of range. */
export const gatherKernel = defineKernel({
  name: "gather",
  inputs: { codebooks: "u32", codes: "i32" },
  outputs: { out: "u32" },
  params: { items: "u32", groups: "u32", codewords: "u32", dimension: "u32" },
  faulty: true,
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let position = item / params.dimension;
  let code = codes[params.codesStart + position];
  if (code < 0 || u32(code) >= params.codewords) {
    fault(0u, position);
    return;
  }
  let codeword = (position % params.groups) * params.codewords + u32(code);
  out[item] = codebooks[params.codebooksStart + codeword * params.dimension + item % params.dimension];
}`,
});

/**
 * Items: values of the result, [n, groups·dimension]. Without parents, row i belongs to row i. Of the rows, `bound` from
 * `first` on are in `x`; what belongs to others is left.
 * Fault 0: the position of a code out of range. Fault 1: the row of a parent out of range.
 */
export const residualKernel = defineKernel({
  name: "residual",
  inputs: { x: "f32", codebooks: "f32", codes: "i32", parents: "i32" },
  outputs: { out: "f32" },
  params: {
    items: "u32",
    groups: "u32",
    codewords: "u32",
    dimension: "u32",
    rows: "u32",
    first: "u32",
    bound: "u32",
    hasParents: "u32",
  },
  faulty: true,
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let position = item / params.dimension;
  let row = position / params.groups;
  var parent = row;
  if (params.hasParents != 0u) {
    let given = parents[params.parentsStart + row];
    if (given < 0 || u32(given) >= params.rows) {
      fault(1u, row);
      return;
    }
    parent = u32(given);
  }
  let code = codes[params.codesStart + position];
  if (code < 0 || u32(code) >= params.codewords) {
    fault(0u, position);
    return;
  }
  if (parent < params.first || parent - params.first >= params.bound) { return; }
  let width = params.groups * params.dimension;
  let codeword = (position % params.groups) * params.codewords + u32(code);
  out[item] = x[params.xStart + (parent - params.first) * width + item % width]
    - codebooks[params.codebooksStart + codeword * params.dimension + item % params.dimension];
}`,
});

/**
 * Items: values of the result, [n, width]. Of the rows, `bound` from `first` on are in `x`; those are taken, and the others
 * left. Fault 0: the position of an index out of range.
 */
export const takeKernel = defineKernel({
  name: "take",
  inputs: { x: "u32", indices: "i32" },
  outputs: { out: "u32" },
  params: { items: "u32", width: "u32", rows: "u32", first: "u32", bound: "u32" },
  faulty: true,
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let position = item / params.width;
  let row = indices[params.indicesStart + position];
  if (row < 0 || u32(row) >= params.rows) {
    fault(0u, position);
    return;
  }
  if (u32(row) < params.first || u32(row) - params.first >= params.bound) { return; }
  out[item] = x[params.xStart + (u32(row) - params.first) * params.width + item % params.width];
}`,
});
