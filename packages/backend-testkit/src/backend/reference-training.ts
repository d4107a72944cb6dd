import {
  ShapeError,
  sizeOf,
  type Activation,
  type ActivatedLayer,
  type DType,
  type InputGradientOptions,
  type LayerNormOptions,
  type LayerNormParameters,
  type LinearOptions,
  type LinearParameters,
  type OptimizerUpdate,
  type QuantizedLevels,
  type QuantizeOptions,
  type ReconstructionOptions,
  type RowLosses,
  type Tensor,
  type TrainingKernels,
} from "@tessera/core";
import { referenceClipFactor } from "../reference/training/optimizers.js";
import { checkChoice, checkInteger, checkNumber, checkShape } from "./arguments.js";
import { overwrite, type Content } from "./reference-tensor.js";
import { ReferenceScans } from "./reference-scans.js";
import { part, run, values, type Result } from "./result.js";

export const ACTIVATIONS = ["none", "relu", "gelu", "silu"];

/** The kernels of the reference backend that train. */
export class ReferenceTraining extends ReferenceScans implements TrainingKernels {
  write<T extends Tensor>(target: T, source: T): void {
    const to = this.content<DType>(target, "target", target.dtype);
    const from = this.content<DType>(source, "source", target.dtype);
    checkShape(source, "source", target.shape);
    overwrite(
      to,
      run([from], () => values(from)),
    );
  }

  linear(
    x: Tensor<"float32">,
    weight: Tensor<"float32">,
    { bias, activation = "none" }: LinearOptions = {},
  ): ActivatedLayer {
    const input = this.content(x, "x", "float32");
    const held = this.content(weight, "weight", "float32");
    const added = bias && this.content(bias, "bias", "float32");
    checkShape(x, "x", [undefined, undefined]);
    const [rows, inputs] = x.shape as [number, number];
    checkShape(weight, "weight", [undefined, inputs]);
    const outputs = weight.shape[0]!;
    if (bias) checkShape(bias, "bias", [outputs]);
    checkChoice(activation, "activation", ACTIVATIONS);
    const shape = { rows, inputs, outputs };
    const result = run([input, held, added], () =>
      this.kernels.linear(values(input), values(held), shape, added && values(added), activation),
    );
    return this.activated([rows, outputs], result, activation);
  }

  inputGradient(
    gradient: Tensor<"float32">,
    weight: Tensor<"float32">,
    { add, activation = "none", preActivation }: InputGradientOptions = {},
  ): Tensor<"float32"> {
    const given = this.content(gradient, "gradient", "float32");
    const held = this.content(weight, "weight", "float32");
    const added = add && this.content(add, "add", "float32");
    const before = preActivation && this.content(preActivation, "preActivation", "float32");
    checkShape(gradient, "gradient", [undefined, undefined]);
    const [rows, outputs] = gradient.shape as [number, number];
    checkShape(weight, "weight", [outputs, undefined]);
    const inputs = weight.shape[1]!;
    if (add) checkShape(add, "add", [rows, inputs]);
    if (preActivation) checkShape(preActivation, "preActivation", [rows, inputs]);
    checkChoice(activation, "activation", ACTIVATIONS);
    if (activation !== "none" && !preActivation) {
      throw new ShapeError(`the derivative of ${activation} needs preActivation`, {
        hint: "pass the preActivation of the layer that made the input",
      });
    }
    const result = run([given, held, added, before], () =>
      this.kernels.inputGradient(
        values(given),
        values(held),
        { rows, inputs, outputs },
        {
          add: added && values(added),
          activation,
          preActivation: before && values(before),
        },
      ),
    );
    return this.floats([rows, inputs], result);
  }

  parameterGradients(
    x: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LinearParameters,
  ): void {
    const input = this.content(x, "x", "float32");
    const given = this.content(gradient, "gradient", "float32");
    const weight = this.content(into.weight, "into.weight", "float32");
    const bias = into.bias && this.content(into.bias, "into.bias", "float32");
    checkShape(x, "x", [undefined, undefined]);
    const [rows, inputs] = x.shape as [number, number];
    checkShape(gradient, "gradient", [rows, undefined]);
    const outputs = gradient.shape[1]!;
    checkShape(into.weight, "into.weight", [outputs, inputs]);
    if (into.bias) checkShape(into.bias, "into.bias", [outputs]);
    const result = run([input, given], () =>
      this.kernels.parameterGradients(values(input), values(given), { rows, inputs, outputs }),
    );
    overwrite(
      weight,
      part(result, (found) => found.weight),
    );
    if (bias) {
      overwrite(
        bias,
        part(result, (found) => found.bias),
      );
    }
  }

  linearGradients(
    x: Tensor<"float32">,
    weight: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LinearParameters,
    options?: InputGradientOptions,
  ): Tensor<"float32"> {
    checkShape(gradient, "gradient", [undefined, weight.shape[0]]);
    this.parameterGradients(x, gradient, into);
    return this.inputGradient(gradient, weight, options);
  }

  layerNorm(
    x: Tensor<"float32">,
    { scale, shift }: LayerNormParameters,
    { epsilon, activation = "none" }: LayerNormOptions,
  ): ActivatedLayer {
    const input = this.content(x, "x", "float32");
    const by = this.content(scale, "scale", "float32");
    const added = this.content(shift, "shift", "float32");
    checkNormalizable(x);
    checkShape(scale, "scale", [x.shape[1]]);
    checkShape(shift, "shift", [x.shape[1]]);
    checkNumber(epsilon, "epsilon", Number.MIN_VALUE, Infinity);
    checkChoice(activation, "activation", ACTIVATIONS);
    const result = run([input, by, added], () =>
      this.kernels.layerNorm(values(input), values(by), values(added), epsilon, activation),
    );
    return this.activated(x.shape, result, activation);
  }

  layerNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32"> {
    const input = this.content(x, "x", "float32");
    const by = this.content(scale, "scale", "float32");
    const given = this.content(gradient, "gradient", "float32");
    const intoScale = this.content(into.scale, "into.scale", "float32");
    const intoShift = this.content(into.shift, "into.shift", "float32");
    checkNormalizable(x);
    checkShape(scale, "scale", [x.shape[1]]);
    checkShape(gradient, "gradient", x.shape);
    checkShape(into.scale, "into.scale", scale.shape);
    checkShape(into.shift, "into.shift", scale.shape);
    checkNumber(epsilon, "epsilon", Number.MIN_VALUE, Infinity);
    const result = run([input, by, given], () =>
      this.kernels.layerNormGradients(values(input), values(by), values(given), epsilon),
    );
    overwrite(
      intoScale,
      part(result, (found) => found.scale),
    );
    overwrite(
      intoShift,
      part(result, (found) => found.shift),
    );
    return this.floats(
      x.shape,
      part(result, (found) => found.x),
    );
  }

  dropout(x: Tensor<"float32">, rate: number, seed: number, call: number): Tensor<"float32"> {
    const input = this.content(x, "x", "float32");
    checkNumber(rate, "rate", 0, 1 - 2 ** -24);
    checkInteger(seed, "seed", 0, 2 ** 32 - 1);
    checkInteger(call, "call", 0, 2 ** 32 - 1);
    const result = run([input], () => this.kernels.dropout(values(input), rate, seed, call));
    return this.floats(x.shape, result);
  }

  reconstructionLoss(
    output: Tensor<"float32">,
    target: Tensor<"float32">,
    options: ReconstructionOptions,
  ): RowLosses {
    const made = this.content(output, "output", "float32");
    const wanted = this.content(target, "target", "float32");
    checkShape(output, "output", [undefined, undefined]);
    checkShape(target, "target", output.shape);
    checkChoice(options.kind, "kind", ["squared", "normalized", "cosine"]);
    const rows = output.shape[0]!;
    const result = run([made, wanted], () =>
      this.kernels.reconstructionLoss(values(made), values(wanted), rows, options),
    );
    return {
      losses: this.floats(
        [rows],
        part(result, (found) => found.losses),
      ),
      gradient: this.floats(
        output.shape,
        part(result, (found) => found.gradient),
      ),
    };
  }

  quantizeLevels(
    z: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    sizes: readonly number[],
    options: QuantizeOptions = {},
  ): QuantizedLevels {
    const { groups = 1, sums } = options;
    const ones = sizes.map(() => 1);
    const { pullWeights = ones, sumWeights = ones } = options;
    const input = this.content(z, "z", "float32");
    const books = this.content(codebooks, "codebooks", "float32");
    const target = sums && this.content(sums, "sums", "float32");
    checkShape(z, "z", [undefined, undefined]);
    const [rows, width] = z.shape as [number, number];
    const count = quantizerCodewords(sizes, groups, width);
    checkSize(codebooks, "codebooks", count * width);
    if (sums) checkSize(sums, "sums", count * width);
    for (const weights of [pullWeights, sumWeights]) {
      if (weights.length === sizes.length) continue;
      throw new ShapeError(`${weights.length} weights for ${sizes.length} levels`, {
        hint: "pass one weight for each level",
      });
    }
    const result = run([input, books], () =>
      this.kernels.quantizeLevels(values(input), values(books), sizes, width, {
        groups,
        pullWeights,
        sumWeights,
      }),
    );
    if (target) {
      overwrite(
        target,
        part(result, (found) => found.sums),
      );
    }
    const ofCodes = [sizes.length, rows, groups];
    const floats = (shape: readonly number[], name: "distances" | "output" | "pull" | "counts") =>
      this.floats(
        shape,
        part(result, (found) => found[name]),
      );
    return {
      codes: this.create(
        "int32",
        ofCodes,
        "fault" in result ? result : { values: result.value.codes },
      ),
      distances: floats(ofCodes, "distances"),
      output: floats(z.shape, "output"),
      pull: floats(z.shape, "pull"),
      counts: floats([groups * count], "counts"),
    };
  }

  rotateGradient(
    z: Tensor<"float32">,
    quantized: Tensor<"float32">,
    gradient: Tensor<"float32">,
  ): Tensor<"float32"> {
    const from = this.content(z, "z", "float32");
    const to = this.content(quantized, "quantized", "float32");
    const given = this.content(gradient, "gradient", "float32");
    checkShape(z, "z", [undefined, undefined]);
    checkShape(quantized, "quantized", z.shape);
    checkShape(gradient, "gradient", z.shape);
    const result = run([from, to, given], () =>
      this.kernels.rotateGradient(values(from), values(to), values(given), z.shape[1]!),
    );
    return this.floats(z.shape, result);
  }

  sumOfSquares(x: Tensor<"float32">): Tensor<"float32"> {
    const input = this.content(x, "x", "float32");
    return this.floats(
      [1],
      run([input], () => this.kernels.sumOfSquares(values(input))),
    );
  }

  optimizerStep(
    parameters: Tensor<"float32">,
    gradients: Tensor<"float32">,
    state: readonly Tensor<"float32">[],
    update: OptimizerUpdate,
  ): void {
    const held = this.content(parameters, "parameters", "float32");
    const given = this.content(gradients, "gradients", "float32");
    const states = state.map((tensor, i) => this.content(tensor, `state[${i}]`, "float32"));
    const norm = update.clip && this.content(update.clip.squaredNorm, "squaredNorm", "float32");
    checkShape(parameters, "parameters", [undefined]);
    checkShape(gradients, "gradients", parameters.shape);
    checkChoice(update.rule, "rule", ["adamw", "adagrad", "sgd"]);
    checkState(state, update, parameters.shape);
    if (update.clip) checkShape(update.clip.squaredNorm, "squaredNorm", [1]);
    const result = run([held, given, norm, ...states], () => {
      const limit = update.clip?.limit ?? Infinity;
      const factor = norm ? referenceClipFactor(values(norm)[0]!, limit) : 1;
      const old = states.map(values);
      return this.kernels.optimizerStep(values(held), values(given), old, update, factor);
    });
    states.forEach((content, i) =>
      overwrite(
        content,
        part(result, (found) => found.state[i]!),
      ),
    );
    overwrite(
      held,
      part(result, (found) => found.parameters),
    );
  }

  emaStep(
    codebooks: Tensor<"float32">,
    sums: Tensor<"float32">,
    counts: Tensor<"float32">,
    usage: Tensor<"float32">,
    decay: number,
  ): void {
    const books = this.content(codebooks, "codebooks", "float32");
    const added = this.content(sums, "sums", "float32");
    const seen = this.content(counts, "counts", "float32");
    const average = this.content(usage, "usage", "float32");
    checkShape(codebooks, "codebooks", [undefined, undefined]);
    checkShape(sums, "sums", codebooks.shape);
    checkShape(counts, "counts", [codebooks.shape[0]]);
    checkShape(usage, "usage", counts.shape);
    checkNumber(decay, "decay", 0, 1 - 2 ** -24);
    const result = run([books, added, seen, average], () =>
      this.kernels.emaStep(values(books), values(added), values(seen), values(average), decay),
    );
    overwrite(
      books,
      part(result, (found) => found.codebooks),
    );
    overwrite(
      average,
      part(result, (found) => found.usage),
    );
  }

  protected activated(
    shape: readonly number[],
    result: Result<{ readonly output: Float64Array; readonly preActivation: Float64Array }>,
    activation: Activation,
  ): ActivatedLayer {
    const output = this.floats(
      shape,
      part(result, (found) => found.output),
    );
    if (activation === "none" || activation === "relu") {
      return { output, preActivation: this.reshape(output, shape) };
    }
    const before = part(result, (found) => found.preActivation);
    return { output, preActivation: this.floats(shape, before) };
  }

  /** A new tensor of a kernel's values, rounded. */
  protected floats(shape: readonly number[], result: Result<ArrayLike<number>>): Tensor<"float32"> {
    const content: Content<"float32"> =
      "fault" in result ? result : { values: Float32Array.from(result.value) };
    return this.create("float32", shape, content);
  }
}

export function checkNormalizable(x: Tensor): void {
  checkShape(x, "x", [undefined, undefined]);
  if (x.shape[1]! > 0) return;
  throw new ShapeError("x has no columns to normalize", { hint: "rows need at least one value" });
}

function checkSize(tensor: Tensor, name: string, size: number): void {
  if (tensor.size === size) return;
  throw new ShapeError(`${name} has ${sizeOf(tensor.shape)} values; this call needs ${size}`, {
    hint: "all levels' codewords lie one after another",
  });
}

/** The codewords of a group over all levels, once the extents are known to fit. */
function quantizerCodewords(sizes: readonly number[], groups: number, width: number): number {
  checkInteger(groups, "groups", 1, 2 ** 24);
  if (width === 0 || width % groups !== 0) {
    throw new ShapeError(`rows of ${width} values do not divide into ${groups} groups`, {
      hint: "z must have groups · dimension columns",
    });
  }
  if (sizes.length === 0) {
    throw new ShapeError("sizes is an empty list", { hint: "pass one for each level" });
  }
  sizes.forEach((size, l) => checkInteger(size, `sizes[${l}]`, 1, 2 ** 24));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function checkState(
  state: readonly Tensor[],
  update: OptimizerUpdate,
  shape: readonly number[],
): void {
  let count = 1;
  if (update.rule === "adamw") count = 2;
  if (update.rule === "sgd" && update.momentum === 0) count = 0;
  if (state.length !== count) {
    throw new ShapeError(`${update.rule} has ${count} tensors of state, not ${state.length}`, {
      hint: "adamw keeps 2, adagrad 1, and sgd 1 with momentum",
    });
  }
  state.forEach((tensor, i) => checkShape(tensor, `state[${i}]`, shape));
}
