import type {
  Activation,
  ActivatedLayer,
  InputGradientOptions,
  LayerNormOptions,
  LayerNormParameters,
  LinearOptions,
  LinearParameters,
  OptimizerUpdate,
  ReconstructionOptions,
  RowLosses,
  Tensor,
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
  checkReconstructionLoss,
  checkRotateGradient,
  checkWrite,
} from "@tessera/core/arguments";
import type { Node } from "./engine.js";
import { rowProducts } from "./kernels/dense.js";
import { columnSums } from "./kernels/row-sums.js";
import { activate, derivative } from "./kernels/training/activations.js";
import { dropout } from "./kernels/training/dropout.js";
import { layerNorm, layerNormGradients } from "./kernels/training/layer-norm.js";
import { reconstructionLoss, rotateGradient } from "./kernels/training/losses.js";
import { emaStep, optimizerStep, sumOfSquares } from "./kernels/training/optimizers.js";
import { EagerTensors } from "./tensors.js";

/** The kernels of training. What is left out, core composes of the others. */
export class EagerTraining extends EagerTensors {
  write<T extends Tensor>(target: T, source: T): void {
    const to = this.own(target, "target", target.dtype);
    const from = this.own<typeof target.dtype>(source, "source", target.dtype);
    checkWrite(to, from);
    this.overwrite([to], () => [from.node]);
  }

  linear(
    x: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: LinearOptions = {},
  ): ActivatedLayer {
    const input = this.own(x, "x", "float32");
    const held = this.own(weight, "weight", "float32");
    const bias = options.bias && this.own(options.bias, "bias", "float32");
    const { rows, columns, activation } = checkLinear(input, held, options);
    return this.#activated([rows, columns], activation, () => {
      const product = rowProducts(this.engine, input.node, held.node, true);
      return bias ? this.engine.op("AddV2", [product, bias.node]) : product;
    });
  }

  inputGradient(
    gradient: Tensor<"float32">,
    weight: Tensor<"float32">,
    options: InputGradientOptions = {},
  ): Tensor<"float32"> {
    const given = this.own(gradient, "gradient", "float32");
    const held = this.own(weight, "weight", "float32");
    const add = options.add && this.own(options.add, "add", "float32");
    const before =
      options.preActivation && this.own(options.preActivation, "preActivation", "float32");
    const { rows, columns, activation } = checkInputGradient(given, held, options);
    return this.launch({ out: ["float32", [rows, columns]] }, () => {
      let out = rowProducts(this.engine, given.node, held.node, false);
      if (add) out = this.engine.op("AddV2", [out, add.node]);
      if (activation !== "none" && before) {
        out = this.engine.op("Mul", [out, derivative(this.engine, activation, before.node)]);
      }
      return { out };
    }).out;
  }

  parameterGradients(
    x: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LinearParameters,
  ): void {
    const input = this.own(x, "x", "float32");
    const given = this.own(gradient, "gradient", "float32");
    const weight = this.own(into.weight, "into.weight", "float32");
    const bias = into.bias && this.own(into.bias, "into.bias", "float32");
    checkParameterGradients(input, given, into);
    this.overwrite(bias ? [weight, bias] : [weight], () => {
      const products = this.engine.op("MatMul", [given.node, input.node], { transpose_a: true });
      return bias ? [products, columnSums(this.engine, given.node)] : [products];
    });
  }

  layerNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    options: LayerNormOptions,
  ): ActivatedLayer {
    const input = this.own(x, "x", "float32");
    const scale = this.own(parameters.scale, "scale", "float32");
    const shift = this.own(parameters.shift, "shift", "float32");
    const { activation } = checkLayerNorm(input, parameters, options);
    return this.#activated(input.shape, activation, () =>
      layerNorm(this.engine, input.node, scale.node, shift.node, options.epsilon),
    );
  }

  layerNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32"> {
    const input = this.own(x, "x", "float32");
    const by = this.own(scale, "scale", "float32");
    const given = this.own(gradient, "gradient", "float32");
    const intoScale = this.own(into.scale, "into.scale", "float32");
    const intoShift = this.own(into.shift, "into.shift", "float32");
    checkLayerNormGradients(input, by, given, into, epsilon);
    const { out, ...sums } = this.launch(
      {
        out: ["float32", input.shape],
        scale: ["float32", by.shape],
        shift: ["float32", by.shape],
      },
      () => {
        const gradients = layerNormGradients(this.engine, input.node, by.node, given.node, epsilon);
        return { out: gradients[0], scale: gradients[1], shift: gradients[2] };
      },
    );
    this.write(intoScale, sums.scale);
    this.write(intoShift, sums.shift);
    for (const tensor of Object.values(sums)) tensor.dispose();
    return out;
  }

  dropout(x: Tensor<"float32">, rate: number, seed: number, call: number): Tensor<"float32"> {
    const input = this.own(x, "x", "float32");
    checkDropout(input, rate, seed, call);
    return this.launch({ out: ["float32", input.shape] }, () => ({
      out: dropout(this.engine, input.node, rate, seed, call),
    })).out;
  }

  reconstructionLoss(
    output: Tensor<"float32">,
    target: Tensor<"float32">,
    options: ReconstructionOptions,
  ): RowLosses {
    const made = this.own(output, "output", "float32");
    const wanted = this.own(target, "target", "float32");
    const { rows } = checkReconstructionLoss(made, wanted, options);
    return this.launch({ losses: ["float32", [rows]], gradient: ["float32", made.shape] }, () =>
      reconstructionLoss(this.engine, made.node, wanted.node, options),
    );
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
    return this.launch({ out: ["float32", from.shape] }, () => ({
      out: rotateGradient(this.engine, from.node, to.node, given.node),
    })).out;
  }

  sumOfSquares(x: Tensor<"float32">): Tensor<"float32"> {
    const values = this.own(x, "x", "float32");
    return this.launch({ out: ["float32", [1]] }, () => ({
      out: sumOfSquares(this.engine, values.node),
    })).out;
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
    this.overwrite([held, ...states], () =>
      optimizerStep(
        this.engine,
        held.node,
        given.node,
        states.map(({ node }) => node),
        update,
        norm?.node,
      ),
    );
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
    this.overwrite([books, average], () =>
      emaStep(this.engine, books.node, added.node, seen.node, average.node, decay),
    );
  }

  /** A layer's result, and what its activation is applied to: a view of it where that tells the derivative as well. */
  #activated(shape: readonly number[], activation: Activation, body: () => Node): ActivatedLayer {
    if (activation === "none" || activation === "relu") {
      const { output } = this.launch({ output: ["float32", shape] }, () => ({
        output: activate(this.engine, activation, body()),
      }));
      return { output, preActivation: this.reshape(output, shape) };
    }
    return this.launch({ output: ["float32", shape], preActivation: ["float32", shape] }, () => {
      const preActivation = body();
      return { output: activate(this.engine, activation, preActivation), preActivation };
    });
  }
}
