import { honest, kernels, methods, type Mutant } from "./mutant.js";

/** Defects of the kernels that train by distributions. */
export const distributionMutants: readonly Mutant[] = [
  kernels("the largest logit is not taken away", "softmax:", {
    softmax: (logits, columns, scale, noise) =>
      honest.softmax(
        logits.map((value) => Math.min(value, 88 / scale)),
        columns,
        scale,
        noise,
      ),
  }),
  kernels("the call is ignored", "softmax:", {
    softmax: (logits, columns, scale, noise) =>
      honest.softmax(logits, columns, scale, noise && { ...noise, call: 0 }),
  }),
  kernels("noise is scaled as logits are", "softmax:", {
    softmax: (logits, columns, scale, noise) =>
      honest.softmax(logits, columns, scale, noise && { ...noise, scale: noise.scale * scale }),
  }),
  kernels("probabilities count as independent", "softmaxGradient", {
    softmaxGradient: (p, g, columns, scale, shared) =>
      Float64Array.from(g, (value, i) => scale * p[i]! * (value + (shared?.[i % columns] ?? 0))),
  }),
  kernels("what rows share is left out", "softmaxGradient", {
    softmaxGradient: (p, g, columns, scale) =>
      honest.softmaxGradient(p, g, columns, scale, undefined),
  }),
  methods("the unit is left out of the gradient", "softmax and its gradient", (backend) => ({
    softmaxGradient: (p, gradient, options) =>
      backend.softmaxGradient(p, gradient, { ...options, unit: undefined }),
  })),
  kernels("in bits", "entropy", {
    entropy: (p, columns, weight) => honest.entropy(p, columns, weight / Math.LN2),
  }),
  kernels("the gradient of zeros is 0", "entropy", {
    entropy: (p, columns, weight) => {
      const found = honest.entropy(p, columns, weight);
      return { ...found, gradient: found.gradient.map((value, i) => (p[i] === 0 ? 0 : value)) };
    },
  }),
  kernels("the own candidate is not one of them", "contrastiveLoss", {
    contrastiveLoss: (similarities, columns, options) => ({
      ...honest.contrastiveLoss(similarities, columns, options),
      gradient: honest
        .softmax(similarities, columns, options.scale, undefined)
        .map((p) => options.weight * options.scale * p),
    }),
  }),
  methods("any number of candidates goes", "arguments: distributions", (backend) => ({
    contrastiveLoss: (similarities, options) => {
      const [rows, columns] = similarities.shape as [number, number];
      const most = Math.min(rows, columns);
      return backend.contrastiveLoss(backend.slice(similarities, 0, most), options);
    },
  })),
];
