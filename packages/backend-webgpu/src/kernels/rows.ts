import { LARGEST } from "../kernel.js";
import { lanesOf, treeOf, type TreeOptions } from "./tree.js";

/**
 * Lanes of a workgroup that has one row: one wave of most GPUs, so that short rows leave few idle and sums are short trees.
 */
export const ROW_LANES = 64;

function ofRow(subgroups: boolean): TreeOptions {
  return { lanes: ROW_LANES, memory: "parts", type: "f32", subgroups };
}

/** Sums over the lanes of a row, in an order that depends on their number alone. All lanes must call it. */
export function rowSum(subgroups: boolean): string {
  return `
var<workgroup> parts: array<f32, ${ROW_LANES}>;

${treeOf("rowSum", (one, other) => `${one} + ${other}`, ofRow(subgroups))}`.trim();
}

/** The largest of the lanes of a row, where some is; beside `rowSum`, whose memory it uses. All lanes must call it. */
export function rowLargest(subgroups: boolean): string {
  return treeOf("rowLargest", (one, other) => `max(${one}, ${other})`, ofRow(subgroups));
}

/** What kernels with a workgroup for each row start with; `start` is where the row is in a matrix. */
export function rowMain(subgroups: boolean): string {
  return `
@compute @workgroup_size(${ROW_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
${lanesOf(ROW_LANES, subgroups)}
  let row = workgroup.z * workgroups.x + workgroup.x;
  if (row >= params.rows) { return; }
  let start = row * params.columns;`.trim();
}

/** The head of a loop in which the lanes go through the columns side by side. */
export const EACH_COLUMN = `for (var i = lane; i < params.columns; i += ${ROW_LANES}u)`;

/** The largest of a row's values in `array`, which its lanes have written or may read. A row with NaN has some number. */
export function largestOf(array: string): string {
  return `
  var most = -${LARGEST};
  ${EACH_COLUMN} { most = select(most, ${array}[start + i], ${array}[start + i] > most); }
  let largest = rowLargest(most, lane, reach);`.slice(1);
}
