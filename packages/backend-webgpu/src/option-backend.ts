import type {
  ActivatedLayer,
  BalanceOptions,
  BatchNormOptions,
  BatchStatistics,
  Bound,
  LayerNormParameters,
  OptionKernels,
  Tensor,
} from "@tessera/core";
import {
  checkBalancedAssign,
  checkBatchNorm,
  checkBatchNormGradients,
  checkBoundGradient,
} from "@tessera/core/arguments";
import { own } from "./arguments.js";
import { assignBalanced } from "./launch-balance.js";
import { batchNormGradients, normalizeBatch } from "./launch-batch-norm.js";
import { boundGradients } from "./launch-layers.js";
import { WebGpuTrainingBackend } from "./training-backend.js";

/** The backend with the kernels that only a setting of a trainer needs. */
export class WebGpuOptionBackend extends WebGpuTrainingBackend implements OptionKernels {
  balancedAssign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: BalanceOptions,
  ): Tensor<"int32"> {
    const rows = own(this, x, "x", "float32");
    const books = own(this, codebooks, "codebooks", "float32");
    const shape = checkBalancedAssign(rows, books, options);
    return this.made(() => {
      const codes = this.output("int32", [shape.rows, shape.groups]);
      assignBalanced(this.device, { x: rows, books, codes }, shape, options);
      return codes;
    });
  }

  batchNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    running: BatchStatistics,
    options: BatchNormOptions,
  ): ActivatedLayer {
    const input = own(this, x, "x", "float32");
    const scale = own(this, parameters.scale, "scale", "float32");
    const shift = own(this, parameters.shift, "shift", "float32");
    const mean = own(this, running.mean, "running.mean", "float32");
    const variance = own(this, running.variance, "running.variance", "float32");
    const { activation } = checkBatchNorm(input, { scale, shift }, { mean, variance }, options);
    const { epsilon, momentum } = options;
    return this.activated(input.shape, activation, (out, pre) => {
      const task = { x: input, scale, shift, mean, variance, epsilon, activation, out, pre };
      normalizeBatch(this.device, task, momentum);
    });
  }

  batchNormGradients(
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
    const grown = { scale: intoScale, shift: intoShift };
    checkBatchNormGradients(input, by, given, grown, epsilon);
    return this.made(() => {
      const out = this.output("float32", input.shape);
      const task = { x: input, scale: by, gradient: given, epsilon, out, intoScale, intoShift };
      batchNormGradients(this.device, task);
      return out;
    });
  }

  boundGradient(
    z: Tensor<"float32">,
    gradient: Tensor<"float32">,
    bound: Bound,
  ): Tensor<"float32"> {
    const from = own(this, z, "z", "float32");
    const given = own(this, gradient, "gradient", "float32");
    const shift = own(this, bound.shift, "shift", "float32");
    const slope = own(this, bound.slope, "slope", "float32");
    checkBoundGradient(from, given, { shift, slope });
    return this.made(() => {
      const out = this.output("float32", from.shape);
      boundGradients(this.device, { z: from, gradient: given, shift, slope, out });
      return out;
    });
  }
}
