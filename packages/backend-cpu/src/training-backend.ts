import {
  ShapeError,
  type ActivatedLayer,
  type Activation,
  type CompleteBackend,
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
import { checkChoice, checkInteger, checkNumber, checkShape, own } from "./arguments.js";
import { CpuDistributionBackend } from "./distribution-backend.js";
import { dropOut, normalize, normGradients } from "./launch-layers.js";
import { ACTIVATIONS, multiply } from "./launch-matmul.js";
import { quantize } from "./launch-quantize.js";
import { copy, loss, LOSSES, moveAverages, rotate, step, sumSquares } from "./launch-training.js";
import type { CpuTensor } from "./tensor.js";

/** The backend with the kernels that training needs; core composes `linearGradients` of the two that it stands for. */
export class CpuTrainingBackend
  extends CpuDistributionBackend
  implements CompleteBackend, Omit<TrainingKernels, "linearGradients">
{
  write<T extends Tensor>(target: T, source: T): void {
    const to = own(this, target, "target", target.dtype);
    const from = own(this, source, "source", target.dtype);
    checkShape(from, "source", to.shape);
    copy(this.device, from, to);
  }

  linear(
    x: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: LinearOptions = {},
  ): ActivatedLayer {
    const { activation = "none" } = options;
    const input = own(this, x, "x", "float32");
    const held = own(this, weight, "weight", "float32");
    const bias = options.bias && own(this, options.bias, "bias", "float32");
    checkShape(input, "x", [undefined, undefined]);
    const [rows, inner] = input.shape as [number, number];
    checkShape(held, "weight", [undefined, inner]);
    const columns = held.shape[0]!;
    if (bias) checkShape(bias, "bias", [columns]);
    checkChoice(activation, "activation", ACTIVATIONS);
    return this.activated([rows, columns], activation, (out, pre) => {
      const product = { a: input, b: held, out, rows, inner, columns, transposeB: true };
      multiply(this.device, { ...product, bias, activation, pre });
    });
  }

  inputGradient(
    gradient: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: InputGradientOptions = {},
  ): Tensor<"float32"> {
    const { activation = "none" } = options;
    const given = own(this, gradient, "gradient", "float32");
    const held = own(this, weight, "weight", "float32");
    const add = options.add && own(this, options.add, "add", "float32");
    const pre =
      options.preActivation && own(this, options.preActivation, "preActivation", "float32");
    checkShape(given, "gradient", [undefined, undefined]);
    const [rows, inner] = given.shape as [number, number];
    checkShape(held, "weight", [inner, undefined]);
    const columns = held.shape[1]!;
    if (add) checkShape(add, "add", [rows, columns]);
    if (pre) checkShape(pre, "preActivation", [rows, columns]);
    checkChoice(activation, "activation", ACTIVATIONS);
    if (activation !== "none" && !pre) {
      throw new ShapeError(`the derivative of ${activation} needs preActivation`, {
        hint: "pass the preActivation of the layer that made the input",
      });
    }
    const before = activation === "none" ? undefined : pre;
    return this.made(() => {
      const out = this.output("float32", [rows, columns]);
      const product = { a: given, b: held, out, rows, inner, columns };
      multiply(this.device, { ...product, add, activation, before });
      return out;
    });
  }

  parameterGradients(
    x: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LinearParameters,
  ): void {
    const input = own(this, x, "x", "float32");
    const given = own(this, gradient, "gradient", "float32");
    const weight = own(this, into.weight, "into.weight", "float32");
    const bias = into.bias && own(this, into.bias, "into.bias", "float32");
    checkShape(input, "x", [undefined, undefined]);
    const [inner, columns] = input.shape as [number, number];
    checkShape(given, "gradient", [inner, undefined]);
    const rows = given.shape[1]!;
    checkShape(weight, "into.weight", [rows, columns]);
    if (bias) checkShape(bias, "into.bias", [rows]);
    const product = { a: given, b: input, out: weight, rows, inner, columns, transposeA: true };
    multiply(this.device, { ...product, sums: bias, inPlace: true });
  }

  layerNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    { epsilon, activation = "none" }: LayerNormOptions,
  ): ActivatedLayer {
    const input = own(this, x, "x", "float32");
    const scale = own(this, parameters.scale, "scale", "float32");
    const shift = own(this, parameters.shift, "shift", "float32");
    checkNormalizable(input, epsilon);
    checkShape(scale, "scale", [input.shape[1]]);
    checkShape(shift, "shift", scale.shape);
    checkChoice(activation, "activation", ACTIVATIONS);
    return this.activated(input.shape, activation, (out, pre) =>
      normalize(this.device, { x: input, scale, shift, epsilon, activation, out, pre }),
    );
  }

  layerNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32"> {
    const input = own(this, x, "x", "float32");
    const by = own(this, scale, "scale", "float32");
    const given = own(this, gradient, "gradient", "float32");
    const intoScale = own(this, into.scale, "into.scale", "float32");
    const intoShift = own(this, into.shift, "into.shift", "float32");
    checkNormalizable(input, epsilon);
    checkShape(by, "scale", [input.shape[1]]);
    checkShape(given, "gradient", input.shape);
    checkShape(intoScale, "into.scale", by.shape);
    checkShape(intoShift, "into.shift", by.shape);
    return this.made(() => {
      const out = this.output("float32", input.shape);
      const task = { x: input, scale: by, gradient: given, epsilon, out, intoScale, intoShift };
      normGradients(this.device, task);
      return out;
    });
  }

  dropout(x: Tensor<"float32">, rate: number, seed: number, call: number): Tensor<"float32"> {
    const input = own(this, x, "x", "float32");
    checkNumber(rate, "rate", 0, 1 - 2 ** -24);
    checkInteger(seed, "seed", 0, 2 ** 32 - 1);
    checkInteger(call, "call", 0, 2 ** 32 - 1);
    checkInteger(input.size, "the number of elements of x", 0, 2 ** 32 - 1);
    return this.made(() => {
      const out = this.output("float32", input.shape);
      dropOut(this.device, input, out, rate, seed, call);
      return out;
    });
  }

  reconstructionLoss(
    output: Tensor<"float32">,
    target: Tensor<"float32">,
    options: ReconstructionOptions,
  ): RowLosses {
    const made = own(this, output, "output", "float32");
    const wanted = own(this, target, "target", "float32");
    checkShape(made, "output", [undefined, undefined]);
    checkShape(wanted, "target", made.shape);
    checkChoice(options.kind, "kind", LOSSES);
    return this.made(() => {
      const losses = this.output("float32", [made.shape[0]!]);
      const gradient = this.output("float32", made.shape);
      loss(this.device, { output: made, target: wanted, losses, gradient }, options);
      return { losses, gradient };
    });
  }

  quantizeLevels(
    z: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    sizes: readonly number[],
    options: QuantizeOptions = {},
  ): QuantizedLevels {
    const { groups = 1, pullWeights, sumWeights } = options;
    const rows = own(this, z, "z", "float32");
    const books = own(this, codebooks, "codebooks", "float32");
    const sums = options.sums && own(this, options.sums, "sums", "float32");
    checkShape(rows, "z", [undefined, undefined]);
    const [count, width] = rows.shape as [number, number];
    const codewords = checkLevelSizes(sizes, groups, width);
    checkSize(books, "codebooks", codewords * width);
    if (sums) checkSize(sums, "sums", codewords * width);
    checkWeights(pullWeights, "pullWeights", sizes.length);
    checkWeights(sumWeights, "sumWeights", sizes.length);
    const levels = sizes.map((size, l) => ({
      codewords: size,
      pullWeight: pullWeights?.[l] ?? 1,
      sumWeight: sumWeights?.[l] ?? 1,
    }));
    const shape = [sizes.length, count, groups];
    return this.made(() => {
      const found = {
        codes: this.output("int32", shape),
        distances: this.output("float32", shape),
        output: this.output("float32", rows.shape),
        pull: this.output("float32", rows.shape),
        counts: this.output("float32", [groups * codewords]),
      };
      quantize(this.device, { ...found, z: rows, codebooks: books, sums }, levels, groups);
      return found;
    });
  }

  sumOfSquares(x: Tensor<"float32">): Tensor<"float32"> {
    const values = own(this, x, "x", "float32");
    return this.made(() => {
      const out = this.output("float32", [1]);
      sumSquares(this.device, values, out);
      return out;
    });
  }

  rotateGradient(
    z: Tensor<"float32">,
    quantized: Tensor<"float32">,
    gradient: Tensor<"float32">,
  ): Tensor<"float32"> {
    const from = own(this, z, "z", "float32");
    const to = own(this, quantized, "quantized", "float32");
    const given = own(this, gradient, "gradient", "float32");
    checkShape(from, "z", [undefined, undefined]);
    checkShape(to, "quantized", from.shape);
    checkShape(given, "gradient", from.shape);
    return this.made(() => {
      const out = this.output("float32", from.shape);
      rotate(this.device, from, to, given, out);
      return out;
    });
  }

  optimizerStep(
    parameters: Tensor<"float32">,
    gradients: Tensor<"float32">,
    state: readonly Tensor<"float32">[],
    update: OptimizerUpdate,
  ): void {
    const held = own(this, parameters, "parameters", "float32");
    const given = own(this, gradients, "gradients", "float32");
    const states = state.map((tensor, i) => own(this, tensor, `state[${i}]`, "float32"));
    const norm = update.clip && own(this, update.clip.squaredNorm, "squaredNorm", "float32");
    checkShape(held, "parameters", [undefined]);
    checkShape(given, "gradients", held.shape);
    checkChoice(update.rule, "rule", ["adamw", "adagrad", "sgd"]);
    checkState(states, update, held.shape);
    if (norm) checkShape(norm, "squaredNorm", [1]);
    step(this.device, held, given, states, update, norm);
  }

  emaStep(
    codebooks: Tensor<"float32">,
    sums: Tensor<"float32">,
    counts: Tensor<"float32">,
    usage: Tensor<"float32">,
    decay: number,
  ): void {
    const books = own(this, codebooks, "codebooks", "float32");
    const added = own(this, sums, "sums", "float32");
    const seen = own(this, counts, "counts", "float32");
    const average = own(this, usage, "usage", "float32");
    checkShape(books, "codebooks", [undefined, undefined]);
    checkShape(added, "sums", books.shape);
    checkShape(seen, "counts", [books.shape[0]]);
    checkShape(average, "usage", seen.shape);
    checkNumber(decay, "decay", 0, 1 - 2 ** -24);
    moveAverages(
      this.device,
      { codebooks: books, sums: added, counts: seen, usage: average },
      decay,
    );
  }

  /** A layer's result, and what its activation is applied to: a view of it where that tells the derivative as well. */
  protected activated(
    shape: readonly number[],
    activation: Activation,
    launch: (output: CpuTensor<"float32">, pre: CpuTensor<"float32"> | undefined) => void,
  ): ActivatedLayer {
    return this.made(() => {
      const output = this.output("float32", shape);
      const told = activation === "none" || activation === "relu";
      const pre = told ? undefined : this.output("float32", shape);
      launch(output, pre);
      return { output, preActivation: pre ?? this.view(output, shape, 0) };
    });
  }
}

export function checkNormalizable(x: Tensor, epsilon: number): void {
  checkShape(x, "x", [undefined, undefined]);
  checkNumber(epsilon, "epsilon", Number.MIN_VALUE, Infinity);
  if (x.shape[1]! > 0) return;
  throw new ShapeError("x has no columns to normalize", { hint: "rows need at least one value" });
}

function checkSize(tensor: Tensor, name: string, size: number): void {
  if (tensor.size === size) return;
  throw new ShapeError(`${name} has ${tensor.size} values; this call needs ${size}`, {
    hint: "all levels' codewords lie one after another",
  });
}

function checkWeights(weights: readonly number[] | undefined, name: string, levels: number): void {
  if (weights === undefined || weights.length === levels) return;
  throw new ShapeError(`${name} has ${weights.length} weights for ${levels} levels`, {
    hint: "pass one weight for each level",
  });
}

/** The codewords of a group over all levels, once the extents are known to fit. */
function checkLevelSizes(sizes: readonly number[], groups: number, width: number): number {
  checkInteger(groups, "groups", 1, 2 ** 24);
  if (width === 0 || width % groups !== 0) {
    throw new ShapeError(`rows of ${width} values do not divide into ${groups} groups`, {
      hint: "z needs groups · dimension columns",
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
