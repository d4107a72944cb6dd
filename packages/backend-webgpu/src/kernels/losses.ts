import { defineKernel, FLAT_LANES } from "../kernel.js";
import { EACH_COLUMN, rowMain, rowSum } from "./rows.js";
import { lanesOf, treeOf } from "./tree.js";

/** By the number that the kernel knows them by. */
export const LOSSES = ["squared", "normalized", "cosine"] as const;

/** Workgroups: rows. The gradient is a·x + b·y for some a and b. */
export const reconstructionLossKernel = defineKernel({
  name: "reconstructionLoss",
  inputs: { made: "f32", wanted: "f32" },
  outputs: { losses: "f32", gradient: "f32" },
  params: { rows: "u32", columns: "u32", kind: "u32", weight: "f32" },
  body: (subgroups) => `
${rowSum(subgroups)}

${rowMain(subgroups)}
  let y = params.madeStart + start;
  let x = params.wantedStart + start;
  var squaresY = 0.0;
  var squaresX = 0.0;
  var product = 0.0;
  var error = 0.0;
  ${EACH_COLUMN} {
    let right = wanted[x + i];
    let left = made[y + i];
    squaresY = fma(left, left, squaresY);
    squaresX = fma(right, right, squaresX);
    product = fma(left, right, product);
    error = fma(left - right, left - right, error);
  }
  if (params.kind == 0u) {
    ${EACH_COLUMN} { gradient[start + i] = 2.0 * params.weight * (made[y + i] - wanted[x + i]); }
    let loss = rowSum(error, lane, reach);
    if (lane == 0u) { losses[row] = params.weight * loss; }
    return;
  }
  // A row of zeros counts as if it had length 1.
  var length = sqrt(rowSum(squaresY, lane, reach));
  if (length == 0.0) { length = 1.0; }
  var towards = sqrt(rowSum(squaresX, lane, reach));
  if (towards == 0.0 || params.kind == 1u) { towards = 1.0; }
  let along = rowSum(product, lane, reach) / length / towards;
  let factor = params.weight / length * select(-2.0, -1.0, params.kind == 2u);
  var distance = 0.0;
  ${EACH_COLUMN} {
    let unit = made[y + i] / length;
    let right = wanted[x + i] / towards;
    distance = fma(unit - right, unit - right, distance);
    gradient[start + i] = factor * (right - along * unit);
  }
  let squared = rowSum(distance, lane, reach);
  if (lane == 0u) { losses[row] = params.weight * select(squared, 1.0 - along, params.kind == 2u); }
}`,
});

/** Workgroups: rows. λ(g − 2(r·g)r + 2(q̂·g)ẑ) of the rotation trick, see `rotateGradient` in core's training.ts. */
export const rotateGradientKernel = defineKernel({
  name: "rotateGradient",
  inputs: { z: "f32", quantized: "f32", gradient: "f32" },
  outputs: { out: "f32" },
  params: { rows: "u32", columns: "u32" },
  body: (subgroups) => `
const SHORTEST = 1e-6;

${rowSum(subgroups)}

${rowMain(subgroups)}
  var squaresZ = 0.0;
  var squaresQ = 0.0;
  ${EACH_COLUMN} {
    let left = z[params.zStart + start + i];
    let right = quantized[params.quantizedStart + start + i];
    squaresZ = fma(left, left, squaresZ);
    squaresQ = fma(right, right, squaresQ);
  }
  let lengthZ = sqrt(rowSum(squaresZ, lane, reach));
  let lengthQ = sqrt(rowSum(squaresQ, lane, reach));
  // Without a direction the gradient passes, whatever stands here.
  let toZ = 1.0 / max(lengthZ, SHORTEST);
  let toQ = 1.0 / max(lengthQ, SHORTEST);
  var squares = 0.0;
  var alongSum = 0.0;
  var alongQ = 0.0;
  ${EACH_COLUMN} {
    let unit = quantized[params.quantizedStart + start + i] * toQ;
    let sum = fma(z[params.zStart + start + i], toZ, unit);
    let value = gradient[params.gradientStart + start + i];
    squares = fma(sum, sum, squares);
    alongSum = fma(sum, value, alongSum);
    alongQ = fma(unit, value, alongQ);
  }
  let square = rowSum(squares, lane, reach);
  let bySum = 2.0 * rowSum(alongSum, lane, reach) / max(square, SHORTEST * SHORTEST);
  let byZ = 2.0 * rowSum(alongQ, lane, reach);
  let passes = lengthZ < SHORTEST || lengthQ < SHORTEST || square < SHORTEST * SHORTEST;
  let scale = lengthQ * toZ;
  ${EACH_COLUMN} {
    let value = gradient[params.gradientStart + start + i];
    let unit = z[params.zStart + start + i] * toZ;
    let sum = fma(quantized[params.quantizedStart + start + i], toQ, unit);
    out[start + i] = select(scale * (value - bySum * sum + byZ * unit), value, passes);
  }
}`,
});

/** Values that a workgroup of `squares` adds up: a few for each lane, so that adding the parts costs little beside it. */
export const SQUARES_SPAN: number = 16 * FLAT_LANES;

/** Workgroups: spans of values. Partial sums of their squares. */
export const squaresKernel = defineKernel({
  name: "squares",
  inputs: { x: "f32" },
  outputs: { partials: "f32" },
  params: { items: "u32", parts: "u32" },
  body: (subgroups) => `
var<workgroup> sums: array<f32, ${FLAT_LANES}>;

${treeOf("spanSum", (one, other) => `${one} + ${other}`, { lanes: FLAT_LANES, memory: "sums", type: "f32", subgroups })}

@compute @workgroup_size(${FLAT_LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
${lanesOf(FLAT_LANES, subgroups)}
  let part = workgroup.z * workgroups.x + workgroup.x;
  if (part >= params.parts) { return; }
  let end = min(params.items, (part + 1u) * ${SQUARES_SPAN}u);
  var each = 0.0;
  for (var i = part * ${SQUARES_SPAN}u + lane; i < end; i += ${FLAT_LANES}u) {
    let value = x[params.xStart + i];
    each = fma(value, value, each);
  }
  let sum = spanSum(each, lane, reach);
  if (lane == 0u) { partials[part] = sum; }
}`,
});
