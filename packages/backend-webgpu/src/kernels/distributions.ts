import { defineKernel, FINITE } from "../kernel.js";
import { EXPONENTIAL, LOGARITHM } from "./exponential.js";
import { PHILOX } from "./philox.js";
import { EACH_COLUMN, largestOf, ROW_LANES, rowLargest, rowMain, rowSum } from "./rows.js";

// Distributions over the columns of each row: softmax with and without Gumbel noise, entropy, and their gradients.

/** What logits are multiplied by. */
const LOGIT_SCALE = `
fn logitScale() -> f32 {
  if (params.hasUnit == 0u) { return params.scale; }
  let measure = unit[params.unitStart];
  return params.scale / select(measure, 0x1p-60f, measure < 0x1p-60f);
}`.trim();

/** Each value of `array` becomes e to the power of it less the largest; a value that is not finite spoils the sum. */
function exponentialsOf(array: string): string {
  return `
  var each = 0.0;
  ${EACH_COLUMN} {
    let value = exponential(${array}[start + i] - largest);
    ${array}[start + i] = value;
    each += value;
  }
  let sum = rowSum(each, lane, reach);`.slice(1);
}

/**
 * Workgroups: rows, the first of which is row `firstRow` of the tensor that noise is for (Jang et al., 2017). The result's
 * memory holds what is not ready yet.
 */
export const softmaxKernel = defineKernel({
  name: "softmax",
  inputs: { logits: "f32", unit: "f32" },
  outputs: { out: "f32" },
  params: {
    rows: "u32",
    columns: "u32",
    scale: "f32",
    hasUnit: "u32",
    noisy: "u32",
    noiseScale: "f32",
    seed: "u32",
    call: "u32",
    firstRow: "u32",
  },
  body: (subgroups) => `
${FINITE}

${EXPONENTIAL}

${LOGARITHM}

${PHILOX}

${rowSum(subgroups)}

${rowLargest(subgroups)}

${LOGIT_SCALE}

fn gumbel(word: u32) -> f32 {
  let uniform = (f32(word >> 9u) + 0.5) * 0x1p-23f;
  return -logarithm(-logarithm(uniform));
}

${rowMain(subgroups)}
  let scale = logitScale();
  if (params.noisy != 0u) {
    // A block of random words is for four elements of the tensor, wherever rows start.
    let element = (params.firstRow + row) * params.columns;
    for (var block = element / 4u + lane; 4u * block < element + params.columns; block += ${ROW_LANES}u) {
      let words = philox(vec4u(block, params.call, 0u, 4u), params.seed);
      for (var i = 0u; i < 4u; i++) {
        // Of elements before the row, that is a large number.
        let column = 4u * block + i - element;
        if (column >= params.columns) { continue; }
        let logit = scale * logits[params.logitsStart + start + column];
        out[start + column] = fma(params.noiseScale, gumbel(words[i]), logit);
      }
    }
  } else {
    ${EACH_COLUMN} { out[start + i] = scale * logits[params.logitsStart + start + i]; }
  }
  storageBarrier();
${largestOf("out")}
${exponentialsOf("out")}
  let inverse = 1.0 / sum;
  ${EACH_COLUMN} { out[start + i] *= inverse; }
}`,
});

/** Workgroups: rows. scale / unit · p ⊙ (g − p·g), where with `adds`, `added` is added to g in every row. */
export const softmaxGradientKernel = defineKernel({
  name: "softmaxGradient",
  inputs: { probabilities: "f32", gradient: "f32", unit: "f32", added: "f32" },
  outputs: { out: "f32" },
  params: { rows: "u32", columns: "u32", scale: "f32", hasUnit: "u32", adds: "u32" },
  body: (subgroups) => `
${rowSum(subgroups)}

${LOGIT_SCALE}

fn gradientAt(start: u32, column: u32) -> f32 {
  let value = gradient[params.gradientStart + start + column];
  if (params.adds == 0u) { return value; }
  return value + added[params.addedStart + column];
}

${rowMain(subgroups)}
  let scale = logitScale();
  var products = 0.0;
  ${EACH_COLUMN} {
    products = fma(probabilities[params.probabilitiesStart + start + i], gradientAt(start, i), products);
  }
  let mean = rowSum(products, lane, reach);
  ${EACH_COLUMN} {
    out[start + i] = scale * probabilities[params.probabilitiesStart + start + i] * (gradientAt(start, i) - mean);
  }
}`,
});

/** Workgroups: rows. −Σ p ln p and −(ln p + 1), times `weight`. */
export const entropyKernel = defineKernel({
  name: "entropy",
  inputs: { probabilities: "f32" },
  outputs: { losses: "f32", gradient: "f32" },
  params: { rows: "u32", columns: "u32", weight: "f32" },
  body: (subgroups) => `
${FINITE}

${LOGARITHM}

${rowSum(subgroups)}

${rowMain(subgroups)}
  var each = 0.0;
  ${EACH_COLUMN} {
    let p = probabilities[params.probabilitiesStart + start + i];
    let log = logarithm(select(p, 0x1p-126f, p < 0x1p-126f));
    each = fma(p, log, each);
    gradient[start + i] = -params.weight * (log + 1.0);
  }
  let sum = rowSum(each, lane, reach);
  if (lane == 0u) { losses[row] = -params.weight * sum; }
}`,
});

/**
 * Workgroups: rows, the first of which is row `firstRow` of all, as which it is its own candidate. −ln p at that of the softmax
 * p of a row, and scale · (p − 1 there), times `weight` (van den Oord et al., 2018).
 */
export const contrastiveLossKernel = defineKernel({
  name: "contrastiveLoss",
  inputs: { similarities: "f32" },
  outputs: { losses: "f32", gradient: "f32" },
  params: { rows: "u32", columns: "u32", scale: "f32", weight: "f32", firstRow: "u32" },
  body: (subgroups) => `
${FINITE}

${EXPONENTIAL}

${LOGARITHM}

${rowSum(subgroups)}

${rowLargest(subgroups)}

${rowMain(subgroups)}
  let own = params.firstRow + row;
  ${EACH_COLUMN} { gradient[start + i] = params.scale * similarities[params.similaritiesStart + start + i]; }
${largestOf("gradient")}
${exponentialsOf("gradient")}
  let factor = params.weight * params.scale;
  ${EACH_COLUMN} {
    gradient[start + i] = gradient[start + i] * (factor / sum) - select(0.0, factor, i == own);
  }
  if (lane == 0u) {
    let similarity = params.scale * similarities[params.similaritiesStart + start + own];
    losses[row] = params.weight * (logarithm(sum) + (largest - similarity));
  }
}`,
});
