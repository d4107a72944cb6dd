import {
  checkDropout,
  checkEmaStep,
  checkInputGradient,
  checkLayerNorm,
  checkLayerNormGradients,
  checkLinear,
  checkOptimizerStep,
  checkParameterGradients,
  checkReconstructionLoss,
  checkRotateGradient,
  checkWrite,
} from "../arguments/index.js";
import type { Tensor } from "../tensor.js";
import type {
  ActivatedLayer,
  Activation,
  InputGradientOptions,
  LayerNormOptions,
  LayerNormParameters,
  LinearOptions,
  LinearParameters,
  OptimizerUpdate,
  ReconstructionOptions,
  RowLosses,
  TrainingKernels,
} from "../training.js";
import { DeviceBackend } from "./device-backend.js";
import type { TensorTypes } from "./tensor-holder.js";
import type { NormGradientsTask, TrainingLaunches } from "./training-launches.js";

/**
 * A backend that trains as well: it adds the kernels without which there is no training. `linearGradients` is left to be
 * composed of the two that it stands for.
 */
export abstract class TrainingDeviceBackend<C, T extends TensorTypes>
  extends DeviceBackend<C, T>
  implements Omit<TrainingKernels, "linearGradients" | "quantizeLevels">
{
  protected abstract override readonly launches: TrainingLaunches<C, T>;

  write<S extends Tensor>(target: S, source: S): void {
    const to = this.own(target, "target", target.dtype);
    const from = this.own(source, "source", target.dtype);
    checkWrite(to, from);
    this.launches.write(this.device, from, to);
  }

  linear(
    x: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: LinearOptions = {},
  ): ActivatedLayer {
    const a = this.own(x, "x", "float32");
    const b = this.own(weight, "weight", "float32");
    const bias = options.bias && this.own(options.bias, "bias", "float32");
    const { rows, inner, columns, activation } = checkLinear(a, b, options);
    return this.activated([rows, columns], activation, (out, pre) => {
      const product = { rows, inner, columns, a, b, out, transposeB: true, bias, activation, pre };
      this.launches.multiply(this.device, product);
    });
  }

  inputGradient(
    gradient: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: InputGradientOptions = {},
  ): Tensor<"float32"> {
    const a = this.own(gradient, "gradient", "float32");
    const b = this.own(weight, "weight", "float32");
    const add = options.add && this.own(options.add, "add", "float32");
    const pre =
      options.preActivation && this.own(options.preActivation, "preActivation", "float32");
    const { rows, inner, columns, activation } = checkInputGradient(a, b, options);
    const before = activation === "none" ? undefined : pre;
    return this.made(() => {
      const out = this.output("float32", [rows, columns]);
      const product = { rows, inner, columns, a, b, out, add, activation, before };
      this.launches.multiply(this.device, product);
      return out;
    });
  }

  parameterGradients(
    x: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LinearParameters,
  ): void {
    const b = this.own(x, "x", "float32");
    const a = this.own(gradient, "gradient", "float32");
    const out = this.own(into.weight, "into.weight", "float32");
    const sums = into.bias && this.own(into.bias, "into.bias", "float32");
    const { rows, inner, columns } = checkParameterGradients(b, a, into);
    const product = { rows, inner, columns, a, b, out, transposeA: true, sums } as const;
    this.launches.multiplyInto(this.device, product);
  }

  layerNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    options: LayerNormOptions,
  ): ActivatedLayer {
    const input = this.own(x, "x", "float32");
    const scale = this.own(parameters.scale, "scale", "float32");
    const shift = this.own(parameters.shift, "shift", "float32");
    const { activation } = checkLayerNorm(input, { scale, shift }, options);
    const { epsilon } = options;
    return this.activated(input.shape, activation, (out, pre) => {
      const task = { x: input, scale, shift, epsilon, activation, out, pre };
      this.launches.normalize(this.device, task);
    });
  }

  layerNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32"> {
    const tensors = this.ownNormalized(x, scale, gradient, into);
    checkLayerNormGradients(tensors.x, tensors.scale, tensors.gradient, into, epsilon);
    return this.made(() => {
      const out = this.output("float32", tensors.x.shape);
      this.launches.normGradients(this.device, { ...tensors, epsilon, out });
      return out;
    });
  }

  dropout(x: Tensor<"float32">, rate: number, seed: number, call: number): Tensor<"float32"> {
    const input = this.own(x, "x", "float32");
    checkDropout(input, rate, seed, call);
    return this.made(() => {
      const out = this.output("float32", input.shape);
      this.launches.dropOut(this.device, input, out, rate, seed, call);
      return out;
    });
  }

  reconstructionLoss(
    output: Tensor<"float32">,
    target: Tensor<"float32">,
    options: ReconstructionOptions,
  ): RowLosses {
    const made = this.own(output, "output", "float32");
    const wanted = this.own(target, "target", "float32");
    const { rows } = checkReconstructionLoss(made, wanted, options);
    return this.made(() => {
      const losses = this.output("float32", [rows]);
      const gradient = this.output("float32", made.shape);
      const task = { output: made, target: wanted, losses, gradient };
      this.launches.loss(this.device, task, options);
      return { losses, gradient };
    });
  }

  rotateGradient(
    z: Tensor<"float32">,
    quantized: Tensor<"float32">,
    gradient: Tensor<"float32">,
  ): Tensor<"float32"> {
    const from = this.own(z, "z", "float32");
    const to = this.own(quantized, "quantized", "float32");
    const given = this.own(gradient, "gradient", "float32");
    checkRotateGradient(from, to, given);
    return this.made(() => {
      const out = this.output("float32", from.shape);
      this.launches.rotate(this.device, from, to, given, out);
      return out;
    });
  }

  sumOfSquares(x: Tensor<"float32">): Tensor<"float32"> {
    const values = this.own(x, "x", "float32");
    return this.made(() => {
      const out = this.output("float32", [1]);
      this.launches.sumSquares(this.device, values, out);
      return out;
    });
  }

  optimizerStep(
    parameters: Tensor<"float32">,
    gradients: Tensor<"float32">,
    state: readonly Tensor<"float32">[],
    update: OptimizerUpdate,
  ): void {
    const held = this.own(parameters, "parameters", "float32");
    const given = this.own(gradients, "gradients", "float32");
    const states = state.map((tensor, i) => this.own(tensor, `state[${i}]`, "float32"));
    const norm = update.clip && this.own(update.clip.squaredNorm, "squaredNorm", "float32");
    checkOptimizerStep(held, given, states, update);
    this.launches.step(this.device, held, given, states, update, norm);
  }

  emaStep(
    codebooks: Tensor<"float32">,
    sums: Tensor<"float32">,
    counts: Tensor<"float32">,
    usage: Tensor<"float32">,
    decay: number,
  ): void {
    const books = this.own(codebooks, "codebooks", "float32");
    const added = this.own(sums, "sums", "float32");
    const seen = this.own(counts, "counts", "float32");
    const average = this.own(usage, "usage", "float32");
    checkEmaStep(books, added, seen, average, decay);
    const task = { codebooks: books, sums: added, counts: seen, usage: average };
    this.launches.moveAverages(this.device, task, decay);
  }

  /** What the gradients of a normalization are computed from, and where those of its parameters go. */
  protected ownNormalized(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
  ): Omit<NormGradientsTask<T>, "epsilon" | "out"> {
    return {
      x: this.own(x, "x", "float32"),
      scale: this.own(scale, "scale", "float32"),
      gradient: this.own(gradient, "gradient", "float32"),
      intoScale: this.own(into.scale, "into.scale", "float32"),
      intoShift: this.own(into.shift, "into.shift", "float32"),
    };
  }

  /** A layer's result, and what its activation is applied to: a view of it where that tells the derivative as well. */
  protected activated(
    shape: readonly number[],
    activation: Activation,
    launch: (output: T["float32"], pre: T["float32"] | undefined) => void,
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
