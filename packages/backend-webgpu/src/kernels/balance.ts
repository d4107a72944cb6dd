import { defineKernel, FINITE, FLAT_MAIN, LARGEST } from "../kernel.js";
import { EXPONENTIAL, LOGARITHM } from "./exponential.js";
import { KEYS } from "./neighbours.js";
import { EACH_COLUMN, ROW_LANES, rowLargest, rowMain, rowSum } from "./rows.js";
import { lanesOf, treeOf } from "./tree.js";

// Codes of a batch that share its rows out evenly: Sinkhorn's iterations (Cuturi, 2013) on logarithms, which neither
// overflow nor vanish. An entry of the plan is score + what its row and its column add, the score being
// (distance − middle) · factor; columns are codewords. Each launch is about one group.

const SCORE = `
fn scoreOf(distance: f32) -> f32 {
  return (distance - scaling[0]) * scaling[1];
}`.trim();

/**
 * Workgroups: rows. The negated least and the largest distance of each. Fault 0: a row, from `firstRow` of all on, with a
 * distance that is not finite.
 */
export const balanceRangesKernel = defineKernel({
  name: "balanceRanges",
  inputs: { distances: "f32" },
  outputs: { ranges: "f32" },
  params: { rows: "u32", columns: "u32", firstRow: "u32" },
  faulty: true,
  body: (subgroups) => `
${FINITE}

${rowSum(subgroups)}

${rowLargest(subgroups)}

${rowMain(subgroups)}
  var below = -${LARGEST};
  var above = 0.0;
  ${EACH_COLUMN} {
    let distance = distances[params.distancesStart + start + i];
    if (!finite(distance)) {
      fault(0u, params.firstRow + row);
      continue;
    }
    below = max(below, -distance);
    above = max(above, distance);
  }
  let least = rowLargest(below, lane, reach);
  let largest = rowLargest(above, lane, reach);
  if (lane == 0u) {
    ranges[2u * row] = least;
    ranges[2u * row + 1u] = largest;
  }
}`,
});

/**
 * One workgroup. Middle and factor, by which scores span −1/epsilon..1/epsilon; then the negated least and the largest
 * distance, which count as well where a launch `continues` one about other rows.
 */
export const balanceScalingKernel = defineKernel({
  name: "balanceScaling",
  inputs: { ranges: "f32" },
  outputs: { scaling: "f32" },
  params: { rows: "u32", epsilon: "f32", continues: "u32" },
  body: (subgroups) => `
${FINITE}

${rowSum(subgroups)}

${rowLargest(subgroups)}

@compute @workgroup_size(${ROW_LANES})
fn main(
${lanesOf(ROW_LANES, subgroups)}
  var below = -${LARGEST};
  var above = 0.0;
  for (var row = lane; row < params.rows; row += ${ROW_LANES}u) {
    below = max(below, ranges[params.rangesStart + 2u * row]);
    above = max(above, ranges[params.rangesStart + 2u * row + 1u]);
  }
  if (params.continues != 0u) {
    below = max(below, scaling[2]);
    above = max(above, scaling[3]);
  }
  let least = -rowLargest(below, lane, reach);
  let largest = rowLargest(above, lane, reach);
  let half = 0.5 * (largest - least);
  if (lane == 0u) {
    let factor = -1.0 / (half * params.epsilon);
    scaling[0] = least + half;
    // Distances that are all the same leave nothing to choose by.
    scaling[1] = select(0.0, factor, half > 0.0 && finite(factor));
    scaling[2] = -least;
    scaling[3] = largest;
  }
}`,
});

/** Workgroups: rows. What each adds to sum to 1: −ln Σ e^score. */
export const balanceRowsKernel = defineKernel({
  name: "balanceRows",
  inputs: { distances: "f32", scaling: "f32", ofColumns: "f32" },
  outputs: { ofRows: "f32" },
  params: { rows: "u32", columns: "u32" },
  body: (subgroups) => `
${FINITE}

${EXPONENTIAL}

${LOGARITHM}

${rowSum(subgroups)}

${rowLargest(subgroups)}

${SCORE}

${rowMain(subgroups)}
  var most = -${LARGEST};
  ${EACH_COLUMN} { most = max(most, scoreOf(distances[params.distancesStart + start + i]) + ofColumns[i]); }
  let largest = rowLargest(most, lane, reach);
  var each = 0.0;
  ${EACH_COLUMN} { each += exponential(scoreOf(distances[params.distancesStart + start + i]) + ofColumns[i] - largest); }
  let sum = rowSum(each, lane, reach);
  if (lane == 0u) { ofRows[row] = -largest - logarithm(sum); }
}`,
});

/**
 * Items: (chunk of rows, column), columns fastest. The largest score of a column's rows, and the sum of e to the power of all
 * less that. Parts are [chunks, columns] pairs.
 */
export const balancePartsKernel = defineKernel({
  name: "balanceParts",
  inputs: { distances: "f32", scaling: "f32", ofRows: "f32" },
  updates: { parts: "f32" },
  outputs: {},
  params: { items: "u32", rows: "u32", columns: "u32", chunkRows: "u32" },
  body: `
${EXPONENTIAL}

${SCORE}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let column = item % params.columns;
  let first = item / params.columns * params.chunkRows;
  let end = min(params.rows, first + params.chunkRows);
  var largest = -${LARGEST};
  for (var row = first; row < end; row++) {
    largest = max(largest, scoreOf(distances[params.distancesStart + row * params.columns + column]) + ofRows[params.ofRowsStart + row]);
  }
  var sum = 0.0;
  for (var row = first; row < end; row++) {
    sum += exponential(scoreOf(distances[params.distancesStart + row * params.columns + column]) + ofRows[params.ofRowsStart + row] - largest);
  }
  let at = params.partsStart + 2u * item;
  parts[at] = largest;
  parts[at + 1u] = sum;
}`,
});

/** Items: columns. What each adds to sum to 1, from its parts. */
export const balanceColumnsKernel = defineKernel({
  name: "balanceColumns",
  inputs: { parts: "f32" },
  outputs: { ofColumns: "f32" },
  params: { items: "u32", chunks: "u32" },
  body: `
${FINITE}

${EXPONENTIAL}

${LOGARITHM}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  var largest = -${LARGEST};
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    largest = max(largest, parts[2u * (chunk * params.items + item)]);
  }
  var sum = 0.0;
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    let at = 2u * (chunk * params.items + item);
    sum = fma(parts[at + 1u], exponential(parts[at] - largest), sum);
  }
  ofColumns[item] = -largest - logarithm(sum);
}`,
});

/**
 * Workgroups: rows. The largest entry of each row of the plan, the lowest of equals; what a row adds does not change which that
 * is. Codes are [rows, groups], those of this group at `group`.
 */
export const balanceCodesKernel = defineKernel({
  name: "balanceCodes",
  inputs: { distances: "f32", scaling: "f32", ofColumns: "f32" },
  outputs: { codes: "i32" },
  params: { rows: "u32", columns: "u32", groups: "u32", group: "u32" },
  body: (subgroups) => `
var<workgroup> pairs: array<vec2u, ${ROW_LANES}>;

${KEYS}

${treeOf("rowFirst", (one, other) => `select(${one}, ${other}, isBelow(${other}, ${one}))`, { lanes: ROW_LANES, memory: "pairs", type: "vec2u", subgroups })}

${SCORE}

${rowMain(subgroups)}
  var best = -${LARGEST};
  var found = 0u;
  // A lane sees its columns in their order, so of equal scores the first stays.
  ${EACH_COLUMN} {
    let score = scoreOf(distances[params.distancesStart + start + i]) + ofColumns[i];
    if (score > best) {
      best = score;
      found = i;
    }
  }
  let first = rowFirst(vec2u(keyOf(-best), found), lane, reach);
  if (lane == 0u) { codes[row * params.groups + params.group] = i32(first.y); }
}`,
});
