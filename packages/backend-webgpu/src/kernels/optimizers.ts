import { defineKernel, FLAT_MAIN } from "../kernel.js";

// Steps of optimizers, in place. Items: parameters.

/**
 * The gradient, clipped as PyTorch's clip_grad_norm_ has it. The comparison is the way round that lets NaN stay NaN.
 */
const CLIPPED = `
fn clipped(item: u32) -> f32 {
  let gradient = gradients[params.gradientsStart + item];
  if (params.clips == 0u) { return gradient; }
  let factor = params.limit / (sqrt(squaredNorm[params.squaredNormStart]) + 1e-6);
  return gradient * select(factor, 1.0, factor > 1.0);
}`.trim();

const INPUTS = { gradients: "f32", squaredNorm: "f32" } as const;

/** `keep` is 1 − learning rate · weight decay. */
const COMMON = { items: "u32", clips: "u32", limit: "f32", keep: "f32" } as const;

/**
 * Loshchilov & Hutter, 2019. `rate` is the learning rate / (1 − β₁ᵗ), `inverseRoot` 1 / √(1 − β₂ᵗ), and the rests are
 * 1 − β.
 */
export const adamwKernel = defineKernel({
  name: "adamw",
  inputs: INPUTS,
  updates: { parameters: "f32", first: "f32", second: "f32" },
  outputs: {},
  params: {
    ...COMMON,
    beta1: "f32",
    rest1: "f32",
    beta2: "f32",
    rest2: "f32",
    rate: "f32",
    inverseRoot: "f32",
    epsilon: "f32",
  },
  body: `
${CLIPPED}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let g = clipped(item);
  let m = fma(params.rest1, g, params.beta1 * first[params.firstStart + item]);
  let v = fma(params.rest2 * g, g, params.beta2 * second[params.secondStart + item]);
  first[params.firstStart + item] = m;
  second[params.secondStart + item] = v;
  let at = params.parametersStart + item;
  parameters[at] = params.keep * parameters[at] - params.rate * m / fma(sqrt(v), params.inverseRoot, params.epsilon);
}`,
});

/** Duchi et al., 2011. */
export const adagradKernel = defineKernel({
  name: "adagrad",
  inputs: INPUTS,
  updates: { parameters: "f32", squares: "f32" },
  outputs: {},
  params: { ...COMMON, rate: "f32", epsilon: "f32" },
  body: `
${CLIPPED}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  let g = clipped(item);
  let s = fma(g, g, squares[params.squaresStart + item]);
  squares[params.squaresStart + item] = s;
  let at = params.parametersStart + item;
  parameters[at] = params.keep * parameters[at] - params.rate * g / (sqrt(s) + params.epsilon);
}`,
});

/** With `moves`, by the velocity, which has momentum. */
export const sgdKernel = defineKernel({
  name: "sgd",
  inputs: INPUTS,
  updates: { parameters: "f32", velocity: "f32" },
  outputs: {},
  params: { ...COMMON, rate: "f32", momentum: "f32", moves: "u32" },
  body: `
${CLIPPED}

${FLAT_MAIN}
  if (item >= params.items) { return; }
  var g = clipped(item);
  if (params.moves != 0u) {
    g = fma(params.momentum, velocity[params.velocityStart + item], g);
    velocity[params.velocityStart + item] = g;
  }
  let at = params.parametersStart + item;
  parameters[at] = params.keep * parameters[at] - params.rate * g;
}`,
});

/** Items: codewords (van den Oord et al., 2017). `rest` is 1 − decay. */
export const emaStepKernel = defineKernel({
  name: "emaStep",
  inputs: { sums: "f32", counts: "f32" },
  updates: { codebooks: "f32", usage: "f32" },
  outputs: {},
  params: { items: "u32", dimension: "u32", decay: "f32", rest: "f32" },
  body: `
${FLAT_MAIN}
  if (item >= params.items) { return; }
  let count = counts[params.countsStart + item];
  let used = params.decay * usage[params.usageStart + item] + params.rest * count;
  usage[params.usageStart + item] = used;
  if (count == 0.0) { return; }
  let share = params.rest / used;
  for (var i = 0u; i < params.dimension; i++) {
    let at = params.codebooksStart + item * params.dimension + i;
    codebooks[at] = fma(share, sums[params.sumsStart + item * params.dimension + i], codebooks[at]);
  }
}`,
});
