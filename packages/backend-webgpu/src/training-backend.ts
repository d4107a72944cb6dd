import {
  type ActivatedLayer,
  type Activation,
  type ComputeBackend,
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
import {
  checkDropout,
  checkEmaStep,
  checkInputGradient,
  checkLayerNorm,
  checkLayerNormGradients,
  checkLinear,
  checkOptimizerStep,
  checkParameterGradients,
  checkQuantizeLevels,
  checkReconstructionLoss,
  checkRotateGradient,
  checkWrite,
} from "@tessera/core/arguments";
import { own } from "./arguments.js";
import { multiply, multiplyParts, sumColumns } from "./launch-dense.js";
import { dropOut, normalize, normGradients } from "./launch-layers.js";
import { quantize } from "./launch-quantize.js";
import { loss, moveAverages, rotate, step, sumSquares, write } from "./launch-training.js";
import { WebGpuDistributionBackend } from "./distribution-backend.js";
import type { GpuTensor } from "./tensor.js";

/**
 * The backend with the kernels that training needs. Core composes `linearGradients` of the two products that it stands for:
 * they share no tile, so one kernel for both would read as much.
 */
export class WebGpuTrainingBackend
  extends WebGpuDistributionBackend
  implements ComputeBackend, Omit<TrainingKernels, "linearGradients">
{
  write<T extends Tensor>(target: T, source: T): void {
    const to = own(this, target, "target", target.dtype);
    const from = own(this, source, "source", target.dtype);
    checkWrite(to, from);
    write(this.device, from, to);
  }

  linear(
    x: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: LinearOptions = {},
  ): ActivatedLayer {
    const input = own(this, x, "x", "float32");
    const held = own(this, weight, "weight", "float32");
    const bias = options.bias && own(this, options.bias, "bias", "float32");
    const { activation, ...extents } = checkLinear(input, held, options);
    return this.activated([extents.rows, extents.columns], activation, (out, pre) => {
      const product = { ...extents, a: input, b: held, out, transposeB: true };
      multiply(this.device, { ...product, bias, activation, pre });
    });
  }

  inputGradient(
    gradient: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: InputGradientOptions = {},
  ): Tensor<"float32"> {
    const given = own(this, gradient, "gradient", "float32");
    const held = own(this, weight, "weight", "float32");
    const add = options.add && own(this, options.add, "add", "float32");
    const pre =
      options.preActivation && own(this, options.preActivation, "preActivation", "float32");
    const { activation, ...extents } = checkInputGradient(given, held, options);
    const before = activation === "none" ? undefined : pre;
    return this.made(() => {
      const out = this.output("float32", [extents.rows, extents.columns]);
      const product = { ...extents, a: given, b: held, out };
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
    const extents = checkParameterGradients(input, given, into);
    multiplyParts(this.device, { ...extents, a: given, b: input, into: weight, transposeA: true });
    if (!bias) return;
    sumColumns(this.device, given, bias);
    this.device.settle({ inputs: [bias, given], outputs: [bias] });
  }

  layerNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    options: LayerNormOptions,
  ): ActivatedLayer {
    const input = own(this, x, "x", "float32");
    const scale = own(this, parameters.scale, "scale", "float32");
    const shift = own(this, parameters.shift, "shift", "float32");
    const { activation } = checkLayerNorm(input, { scale, shift }, options);
    const { epsilon } = options;
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
    checkLayerNormGradients(input, by, given, into, epsilon);
    return this.made(() => {
      const out = this.output("float32", input.shape);
      const task = { x: input, scale: by, gradient: given, epsilon, out, intoScale, intoShift };
      normGradients(this.device, task);
      return out;
    });
  }

  dropout(x: Tensor<"float32">, rate: number, seed: number, call: number): Tensor<"float32"> {
    const input = own(this, x, "x", "float32");
    checkDropout(input, rate, seed, call);
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
    const { rows } = checkReconstructionLoss(made, wanted, options);
    return this.made(() => {
      const losses = this.output("float32", [rows]);
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
    const rows = own(this, z, "z", "float32");
    const books = own(this, codebooks, "codebooks", "float32");
    const sums = options.sums && own(this, options.sums, "sums", "float32");
    const extents = checkQuantizeLevels(rows, books, sizes, options);
    const { groups, codewords } = extents;
    const shape = [sizes.length, extents.rows, groups];
    return this.made(() => {
      const found = {
        codes: this.output("int32", shape),
        distances: this.output("float32", shape),
        output: this.output("float32", rows.shape),
        pull: this.output("float32", rows.shape),
        counts: this.output("float32", [groups * codewords]),
      };
      quantize(this.device, { ...found, z: rows, codebooks: books, sums }, extents);
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
    checkRotateGradient(from, to, given);
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
    checkOptimizerStep(held, given, states, update);
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
    checkEmaStep(books, added, seen, average, decay);
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
    launch: (output: GpuTensor<"float32">, pre: GpuTensor<"float32"> | undefined) => void,
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
