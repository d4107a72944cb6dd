import { honest, kernels, methods, type Mutant } from "./mutant.js";

/** Defects of the kernels that train. */
export const trainingMutants: readonly Mutant[] = [
  kernels("relu instead of gelu", "linear: every activation", {
    linear: (x, weight, shape, bias, activation) =>
      honest.linear(x, weight, shape, bias, activation === "gelu" ? "relu" : activation),
  }),
  kernels("what the activation was applied to lacks the bias", "linear: every activation", {
    linear: (x, weight, shape, bias, activation) => ({
      ...honest.linear(x, weight, shape, bias, activation),
      preActivation: honest.linear(x, weight, shape, undefined, activation).preActivation,
    }),
  }),
  kernels("gelu by tanh", "linear: activations from far", {
    linear: (x, weight, shape, bias, activation) => {
      const { output, preActivation } = honest.linear(x, weight, shape, bias, activation);
      const approximate = (z: number): number =>
        0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3)));
      return {
        output: activation === "gelu" ? preActivation.map(approximate) : output,
        preActivation,
      };
    },
  }),
  kernels("relu′(0) is 1", "inputGradient: through", {
    inputGradient: (gradient, weight, shape, passing) =>
      honest.inputGradient(gradient, weight, shape, {
        ...passing,
        preActivation: passing.preActivation?.map((z) => z || 1e-30),
      }),
  }),
  kernels("added after the derivative", "inputGradient: through", {
    inputGradient: (gradient, weight, shape, { add, ...passing }) =>
      honest
        .inputGradient(gradient, weight, shape, passing)
        .map((value, i) => value + (add?.[i] ?? 0)),
  }),
  kernels("the bias's gradient is a mean", "parameterGradients", {
    parameterGradients: (x, gradient, shape) => {
      const { weight, bias } = honest.parameterGradients(x, gradient, shape);
      return { weight, bias: bias.map((value) => value / shape.rows) };
    },
  }),
  methods("gradients are added to what was there", "parameterGradients", (backend) => ({
    parameterGradients: (x, gradient, into) => {
      const before = backend.combine(into.weight, into.weight, 1, 0);
      backend.parameterGradients(x, gradient, into);
      backend.write(into.weight, backend.combine(into.weight, before, 1, 1));
    },
  })),
  methods("the derivative is left out", "linearGradients", (backend) => ({
    linearGradients: (x, weight, gradient, into, options = {}) => {
      backend.parameterGradients(x, gradient, into);
      return backend.inputGradient(gradient, weight, options.add && { add: options.add });
    },
  })),
  kernels("the variance is over n − 1", "layerNorm: on every shape", {
    layerNorm: (x, scale, shift, epsilon, activation) => {
      const n = scale.length;
      const narrow = scale.map((value) => value * Math.sqrt(Math.max(1, n - 1) / n));
      return honest.layerNorm(x, narrow, shift, epsilon, activation);
    },
  }),
  kernels("the mean is held constant", "layerNormGradients", {
    layerNormGradients: (x, scale, gradient, epsilon) => {
      const found = honest.layerNormGradients(x, scale, gradient, epsilon);
      const n = scale.length;
      return {
        ...found,
        x: found.x.map((value, i) => value + gradient[i]! / n),
      };
    },
  }),
  kernels("the call is ignored", "dropout", {
    dropout: (x, rate, seed) => honest.dropout(x, rate, seed, 0),
  }),
  kernels("what is kept is not scaled", "dropout", {
    dropout: (x, ...rest) => honest.dropout(x, ...rest).map((value, i) => value && x[i]!),
  }),
  kernels("the gradient lacks its weight", "reconstructionLoss", {
    reconstructionLoss: (y, x, rows, options) => ({
      ...honest.reconstructionLoss(y, x, rows, options),
      gradient: honest.reconstructionLoss(y, x, rows, { ...options, weight: 1 }).gradient,
    }),
  }),
  kernels("the length is held constant", "reconstructionLoss", {
    reconstructionLoss: (y, x, rows, options) => {
      const found = honest.reconstructionLoss(y, x, rows, options);
      if (options.kind === "squared") return found;
      return { ...found, gradient: found.gradient.map((value, i) => value + 0.01 * y[i]!) };
    },
  }),
  kernels("turned the other way", "rotateGradient", {
    rotateGradient: (z, q, gradient, dimension) => honest.rotateGradient(q, z, gradient, dimension),
  }),
  kernels("not scaled", "rotateGradient", {
    rotateGradient: (z, q, gradient, dimension) => {
      const turned = honest.rotateGradient(z, q, gradient, dimension);
      return turned.map((value, i) => (value === gradient[i] ? value : 0.99 * value));
    },
  }),
  kernels("every level assigns z itself", "quantizeLevels: on every shape", {
    quantizeLevels: (z, books, sizes, width, options) => {
      const found = honest.quantizeLevels(z, books, sizes, width, options);
      const [size] = sizes as [number];
      const same = sizes.every((other) => other === size);
      if (!same || sizes.length === 1) return found;
      const once = z.length === 0 ? found.codes.length : (z.length / width) * options.groups;
      return { ...found, codes: found.codes.map((_, i) => found.codes[i % once]!) };
    },
  }),
  kernels("sums are not weighted", "quantizeLevels: on every shape", {
    quantizeLevels: (z, books, sizes, width, options) =>
      honest.quantizeLevels(z, books, sizes, width, {
        ...options,
        sumWeights: sizes.map(() => 1),
      }),
  }),
  kernels("ties go to the highest code", "quantizeLevels: exact ties", {
    quantizeLevels: (z, books, sizes, width, options) => {
      const found = honest.quantizeLevels(z, books, sizes, width, options);
      const size = sizes[0]!;
      const dimension = width / options.groups;
      const codes = found.codes.slice();
      for (let s = 0; s < z.length / dimension; s++) {
        const base = (s % options.groups) * size;
        const distance = (code: number): number => {
          let sum = 0;
          for (let i = 0; i < dimension; i++) {
            sum += (z[s * dimension + i]! - books[(base + code) * dimension + i]!) ** 2;
          }
          return sum;
        };
        for (let code = codes[s]! + 1; code < size; code++) {
          if (distance(code) === distance(codes[s]!)) codes[s] = code;
        }
      }
      return { ...found, codes };
    },
  }),
  methods("a weight left out is ½", "quantizeLevels: weights are 1", (backend) => ({
    quantizeLevels: (z, books, sizes, options = {}) =>
      backend.quantizeLevels(z, books, sizes, {
        pullWeights: sizes.map(() => 0.5),
        ...options,
      }),
  })),
  methods("sums that it wrote stay sound", "quantizeLevels: rows that are not", (backend) => ({
    quantizeLevels: (z, books, sizes, options = {}) => {
      const { sums, ...rest } = options;
      return backend.quantizeLevels(z, books, sizes, sums ? rest : options);
    },
  })),
  kernels("weight decay is coupled", "optimizerStep: every rule", {
    optimizerStep: (parameters, gradients, state, update, factor) => {
      const { weightDecay = 0 } = update;
      const coupled = gradients.map((g, i) => g + weightDecay * parameters[i]!);
      const plain = { ...update, weightDecay: 0 };
      return honest.optimizerStep(parameters, coupled, state, plain, factor);
    },
  }),
  kernels("moments are not corrected", "optimizerStep: every rule", {
    optimizerStep: (parameters, gradients, state, update, factor) =>
      honest.optimizerStep(
        parameters,
        gradients,
        state,
        update.rule === "adamw" ? { ...update, step: 1e9 } : update,
        factor,
      ),
  }),
  kernels("short gradients are stretched", "optimizerStep: gradients clipped", {
    optimizerStep: (parameters, gradients, state, update, factor) => {
      const { limit = 0 } = update.clip ?? {};
      const stretched = limit > 2 ? limit / Math.sqrt(3.7) : factor;
      return honest.optimizerStep(parameters, gradients, state, update, stretched);
    },
  }),
  methods("the second step is lost", "optimizerStep: hundreds", (backend) => {
    let steps = 0;
    return {
      optimizerStep: (...call) => {
        steps++;
        if (steps !== 2) backend.optimizerStep(...call);
      },
    };
  }),
  kernels("codewords without rows fade", "emaStep", {
    emaStep: (books, sums, counts, usage, decay) => {
      const { codebooks, usage: averaged } = honest.emaStep(books, sums, counts, usage, decay);
      const dimension = books.length / counts.length;
      const faded = codebooks.map((value, i) =>
        counts[Math.floor(i / dimension)] === 0 ? decay * value : value,
      );
      return { codebooks: faded, usage: averaged };
    },
  }),
  kernels("summed in float32, one after another", "sumOfSquares", {
    sumOfSquares: (x) => {
      const sum = x.reduce((total, value) => Math.fround(total + value * value), 0);
      return Float64Array.of(sum * (1 + 1e-5));
    },
  }),
  methods("writes a copy", "write", (backend) => ({
    write: (target, source) => backend.combine(target as never, source as never, 1, 0),
  })),
  methods("any activation goes", "arguments: layers", (backend) => ({
    linear: (x, weight, options = {}) =>
      backend.linear(x, weight, { ...options, activation: "none" }),
  })),
  methods("any state goes", "arguments: quantizers and optimizers", (backend) => ({
    optimizerStep: (parameters, gradients, state, update) =>
      backend.optimizerStep(
        parameters,
        gradients,
        update.rule === "sgd" && update.momentum === 0 ? [] : state,
        update,
      ),
  })),
];
