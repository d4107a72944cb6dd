import { defineKernel, FLAT_MAIN } from "../kernel.js";
import { ACTIVATION } from "./activation.js";

// Batch normalization (Ioffe & Szegedy, 2015) and its gradients. Sums over the rows are those of chunks of rows, one after
// another, and then of the chunks.

/** A value of a column, normalized. */
const UNIT = `
fn unitOf(value: f32, column: u32) -> f32 {
  let deviation = sqrt(variance[params.varianceStart + column] + params.epsilon);
  return (value - mean[params.meanStart + column]) / deviation;
}`.trim();

/**
 * Items: (chunk of rows, column), columns fastest. Sums of a chunk's rows by column, or with `squares`, of the squares of
 * what they are off the mean. Partial sums are [chunks, columns].
 */
export const batchPartsKernel = defineKernel({
  name: "batchParts",
  inputs: { x: "f32", mean: "f32" },
  outputs: { partials: "f32" },
  params: { items: "u32", rows: "u32", columns: "u32", chunkRows: "u32", squares: "u32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let column = item % params.columns;
  let chunk = item / params.columns;
  let end = min(params.rows, (chunk + 1u) * params.chunkRows);
  var middle = 0.0;
  if (params.squares != 0u) { middle = mean[params.meanStart + column]; }
  var sum = 0.0;
  for (var row = chunk * params.chunkRows; row < end; row++) {
    let value = x[params.xStart + row * params.columns + column] - middle;
    sum += select(value, value * value, params.squares != 0u);
  }
  partials[item] = sum;
}`,
});

/**
 * Items: columns. The average of what has `count` terms in its parts, of which some are given: with `continues`, the averages
 * hold the sums of those before, and unless these are the `last`, get the sums of all until now. With `moves`, a running
 * average becomes keep · running + weight · average.
 */
export const batchAverageKernel = defineKernel({
  name: "batchAverage",
  inputs: { partials: "f32" },
  updates: { running: "f32" },
  outputs: { averages: "f32" },
  params: {
    items: "u32",
    parts: "u32",
    count: "f32",
    continues: "u32",
    last: "u32",
    moves: "u32",
    keep: "f32",
    weight: "f32",
  },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  var sum = 0.0;
  if (params.continues != 0u) { sum = averages[item]; }
  for (var part = 0u; part < params.parts; part++) {
    sum += partials[part * params.items + item];
  }
  if (params.last == 0u) {
    averages[item] = sum;
    return;
  }
  let average = sum / params.count;
  averages[item] = average;
  if (params.moves == 0u) { return; }
  let at = params.runningStart + item;
  running[at] = params.keep * running[at] + params.weight * average;
}`,
});

/** Items: values of the result. */
export const batchNormKernel = defineKernel({
  name: "batchNorm",
  inputs: { x: "f32", mean: "f32", variance: "f32", scale: "f32", shift: "f32" },
  outputs: { out: "f32", pre: "f32" },
  params: {
    items: "u32",
    columns: "u32",
    epsilon: "f32",
    activation: "u32",
    keepsPre: "u32",
  },
  body: `
${UNIT}

${ACTIVATION}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let column = item % params.columns;
  let unit = unitOf(x[params.xStart + item], column);
  let value = fma(unit, scale[params.scaleStart + column], shift[params.shiftStart + column]);
  if (params.keepsPre != 0u) { pre[item] = value; }
  out[item] = activate(params.activation, value);
}`,
});

/**
 * Items: (chunk of rows, column), columns fastest. Sums of a chunk's gradients by column, and of gradient · x̂, where x̂ is x
 * normalized. Partial sums are [chunks, 2, columns].
 */
export const batchNormPartsKernel = defineKernel({
  name: "batchNormParts",
  inputs: { x: "f32", gradient: "f32", mean: "f32", variance: "f32" },
  outputs: { partials: "f32" },
  params: { items: "u32", rows: "u32", columns: "u32", chunkRows: "u32", epsilon: "f32" },
  body: `
${UNIT}

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
    product = fma(value, unitOf(x[params.xStart + at], column), product);
  }
  let at = 2u * chunk * params.columns + column;
  partials[at] = sum;
  partials[at + params.columns] = product;
}`,
});

/**
 * Items: values of the result. scale · (g − Σg / n − x̂ · Σ(g · x̂) / n) / √(variance + epsilon), where the sums over the batch
 * are the gradients of shift and scale.
 */
export const batchNormGradientsKernel = defineKernel({
  name: "batchNormGradients",
  inputs: {
    x: "f32",
    gradient: "f32",
    mean: "f32",
    variance: "f32",
    scale: "f32",
    ofScale: "f32",
    ofShift: "f32",
  },
  outputs: { out: "f32" },
  params: { items: "u32", columns: "u32", count: "f32", epsilon: "f32" },
  body: `
${UNIT}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let column = item % params.columns;
  let unit = unitOf(x[params.xStart + item], column);
  let middle = ofShift[params.ofShiftStart + column] / params.count;
  let along = ofScale[params.ofScaleStart + column] / params.count;
  let factor = scale[params.scaleStart + column] / sqrt(variance[params.varianceStart + column] + params.epsilon);
  out[item] = factor * (gradient[params.gradientStart + item] - middle - unit * along);
}`,
});
