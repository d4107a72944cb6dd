import { defineKernel } from "../kernel.js";
import { ACTIVATION } from "./activation.js";
import { EACH_COLUMN, rowMain, rowSum } from "./rows.js";

/** The mean of a row, and 1 / √(variance + epsilon). */
const STATISTICS = `
fn statisticsOf(start: u32, lane: u32, reach: u32) -> vec2f {
  var sum = 0.0;
  ${EACH_COLUMN} { sum += x[params.xStart + start + i]; }
  let mean = rowSum(sum, lane, reach) / f32(params.columns);
  var squares = 0.0;
  ${EACH_COLUMN} {
    let difference = x[params.xStart + start + i] - mean;
    squares = fma(difference, difference, squares);
  }
  let variance = rowSum(squares, lane, reach) / f32(params.columns);
  return vec2f(mean, 1.0 / sqrt(variance + params.epsilon));
}`.trim();

/** Workgroups: rows (Ba et al., 2016). */
export const layerNormKernel = defineKernel({
  name: "layerNorm",
  inputs: { x: "f32", scale: "f32", shift: "f32" },
  outputs: { out: "f32", pre: "f32" },
  params: { rows: "u32", columns: "u32", epsilon: "f32", activation: "u32", keepsPre: "u32" },
  body: (subgroups) => `
${rowSum(subgroups)}

${STATISTICS}

${ACTIVATION}

${rowMain(subgroups)}
  let statistics = statisticsOf(start, lane, reach);
  ${EACH_COLUMN} {
    let unit = (x[params.xStart + start + i] - statistics.x) * statistics.y;
    let value = fma(unit, scale[params.scaleStart + i], shift[params.shiftStart + i]);
    if (params.keepsPre != 0u) { pre[start + i] = value; }
    out[start + i] = activate(params.activation, value);
  }
}`,
});

/**
 * Workgroups: rows. With x̂ the normalized row and h = gradient ⊙ scale, (h − mean(h) − x̂ · mean(h ⊙ x̂)) / √(variance +
 * epsilon). Keeps the statistics, for the gradients of the parameters.
 */
export const layerNormGradientsKernel = defineKernel({
  name: "layerNormGradients",
  inputs: { x: "f32", scale: "f32", gradient: "f32" },
  outputs: { out: "f32", statistics: "f32" },
  params: { rows: "u32", columns: "u32", epsilon: "f32" },
  body: (subgroups) => `
${rowSum(subgroups)}

${STATISTICS}

${rowMain(subgroups)}
  let found = statisticsOf(start, lane, reach);
  var sum = 0.0;
  var product = 0.0;
  ${EACH_COLUMN} {
    let h = gradient[params.gradientStart + start + i] * scale[params.scaleStart + i];
    sum += h;
    product = fma(h, (x[params.xStart + start + i] - found.x) * found.y, product);
  }
  let mean = rowSum(sum, lane, reach) / f32(params.columns);
  let along = rowSum(product, lane, reach) / f32(params.columns);
  ${EACH_COLUMN} {
    let h = gradient[params.gradientStart + start + i] * scale[params.scaleStart + i];
    let unit = (x[params.xStart + start + i] - found.x) * found.y;
    out[start + i] = found.y * (h - mean - unit * along);
  }
  if (lane == 0u) {
    statistics[2u * row] = found.x;
    statistics[2u * row + 1u] = found.y;
  }
}`,
});
