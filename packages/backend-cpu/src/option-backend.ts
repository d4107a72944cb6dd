import {
  MIN_BALANCE_EPSILON,
  ShapeError,
  type ActivatedLayer,
  type BalanceOptions,
  type BatchNormOptions,
  type BatchStatistics,
  type Bound,
  type LayerNormParameters,
  type OptionKernels,
  type Tensor,
} from "@tessera/core";
import { bookShape, checkChoice, checkInteger, checkNumber, checkShape, own } from "./arguments.js";
import { assignBalanced } from "./launch-balance.js";
import { batchNormGradients, normalizeBatch } from "./launch-batch-norm.js";
import { boundGradients } from "./launch-bound.js";
import { ACTIVATIONS } from "./launch-matmul.js";
import { checkNormalizable, CpuTrainingBackend } from "./training-backend.js";

/** The backend with the kernels that only a setting of a trainer needs. */
export class CpuOptionBackend extends CpuTrainingBackend implements OptionKernels {
  balancedAssign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: BalanceOptions,
  ): Tensor<"int32"> {
    const rows = own(this, x, "x", "float32");
    const books = own(this, codebooks, "codebooks", "float32");
    const shape = bookShape(books);
    checkShape(rows, "x", [undefined, shape.groups * shape.dimension]);
    checkNumber(options.epsilon, "epsilon", MIN_BALANCE_EPSILON, Infinity);
    checkInteger(options.iterations, "iterations", 1, 2 ** 24);
    return this.made(() => {
      const codes = this.output("int32", [rows.shape[0]!, shape.groups]);
      assignBalanced(this.device, { x: rows, books, codes }, shape, options);
      return codes;
    });
  }

  batchNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    running: BatchStatistics,
    { epsilon, activation = "none", momentum }: BatchNormOptions,
  ): ActivatedLayer {
    const input = own(this, x, "x", "float32");
    const scale = own(this, parameters.scale, "scale", "float32");
    const shift = own(this, parameters.shift, "shift", "float32");
    const mean = own(this, running.mean, "running.mean", "float32");
    const variance = own(this, running.variance, "running.variance", "float32");
    checkNormalizable(input, epsilon);
    const [rows, columns] = input.shape as [number, number];
    checkShape(scale, "scale", [columns]);
    checkShape(shift, "shift", [columns]);
    checkShape(mean, "running.mean", [columns]);
    checkShape(variance, "running.variance", [columns]);
    checkChoice(activation, "activation", ACTIVATIONS);
    if (momentum !== undefined) {
      checkNumber(momentum, "momentum", 0, 1);
      checkBatch(rows);
    }
    return this.activated([rows, columns], activation, (out, pre) => {
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
    checkNormalizable(input, epsilon);
    checkBatch(input.shape[0]!);
    checkShape(by, "scale", [input.shape[1]]);
    checkShape(given, "gradient", input.shape);
    checkShape(intoScale, "into.scale", by.shape);
    checkShape(intoShift, "into.shift", by.shape);
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
    checkShape(from, "z", [undefined, undefined]);
    checkShape(given, "gradient", from.shape);
    checkShape(shift, "shift", [from.shape[1]]);
    checkShape(slope, "slope", shift.shape);
    return this.made(() => {
      const out = this.output("float32", from.shape);
      boundGradients(this.device, { z: from, gradient: given, shift, slope, out });
      return out;
    });
  }
}

function checkBatch(rows: number): void {
  if (rows >= 2) return;
  throw new ShapeError(`a batch of ${rows} rows has no variance to normalize by`, {
    hint: "batch normalization needs 2 rows or more",
  });
}
