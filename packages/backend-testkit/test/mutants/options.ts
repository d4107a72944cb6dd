import { honest, kernels, methods, type Mutant } from "./mutant.js";

/** Defects of the kernels that only a setting of a trainer needs. */
export const optionMutants: readonly Mutant[] = [
  kernels("columns are not brought to one sum", "balancedAssign: shares rows out", {
    balancedAssign: (x, books, shape) =>
      honest.balancedAssign(x, books, shape, { epsilon: 1e-6, iterations: 1 }),
  }),
  kernels("an iteration is lost", "balancedAssign: on every shape", {
    balancedAssign: (x, books, shape, options) =>
      honest.balancedAssign(x, books, shape, {
        ...options,
        iterations: Math.max(1, options.iterations - 2),
      }),
  }),
  kernels("the highest of equals", "balancedAssign: the lowest", {
    balancedAssign: (x, books, shape, options) => {
      const found = honest.balancedAssign(x, books, shape, options);
      const { groups, codebookSize } = shape;
      const rows = found.codes.length / groups;
      const codes = found.codes.map((code, s) => {
        const at = ((s % groups) * rows + Math.floor(s / groups)) * codebookSize;
        const own = found.plan.subarray(at, at + codebookSize);
        return own.lastIndexOf(own[code]!);
      });
      return { ...found, codes };
    },
  }),
  methods("any epsilon goes", "balancedAssign: refuses", (backend) => ({
    balancedAssign: (x, books, options) =>
      backend.balancedAssign(x, books, { ...options, epsilon: options.epsilon || 1 }),
  })),
  kernels("the running variance is over n", "batchNorm: by the batch", {
    running: (x, running, momentum) => {
      const found = honest.running(x, running, momentum);
      const { variance } = honest.batchStatistics(x, running.mean.length);
      const biased = variance.map(
        (value, i) => (1 - momentum) * running.variance[i]! + momentum * value,
      );
      return { ...found, variance: biased };
    },
  }),
  methods("running averages move", "batchNorm: by running averages", (backend) => ({
    batchNorm: (x, parameters, running, options) => {
      const found = backend.batchNorm(x, parameters, running, options);
      backend.write(running.mean, backend.combine(running.mean, running.mean, 0.9, 0));
      return found;
    },
  })),
  kernels("mean and variance are held constant", "batchNormGradients", {
    batchNormGradients: (x, scale, gradient, epsilon) => {
      const found = honest.batchNormGradients(x, scale, gradient, epsilon);
      const { variance } = honest.batchStatistics(x, scale.length);
      const constant = Float64Array.from(gradient, (g, i) => {
        const column = i % scale.length;
        return (g * scale[column]!) / Math.sqrt(variance[column]! + epsilon);
      });
      return { ...found, x: constant };
    },
  }),
  methods("a single row goes", "batchNorm: refuses", (backend) => ({
    batchNorm: (x, parameters, running, { momentum, ...options }) =>
      backend.batchNorm(
        x,
        parameters,
        running,
        x.shape[0] === 1 ? options : { momentum, ...options },
      ),
  })),
  kernels("the shift is left out", "boundGradient", {
    boundGradient: (z, gradient, shift, slope) =>
      honest.boundGradient(z, gradient, new Float32Array(shift.length), slope),
  }),
];
