import {
  checkBalancedAssign,
  checkBatchNorm,
  checkBatchNormGradients,
  checkBoundGradient,
  checkQuantizeLevels,
  type QuantizeExtents,
} from "../arguments/index.js";
import type { BookShape } from "../checks.js";
import type {
  BalanceOptions,
  BatchNormOptions,
  BatchStatistics,
  Bound,
  OptionKernels,
} from "../option-kernels.js";
import type { Tensor } from "../tensor.js";
import type {
  ActivatedLayer,
  LayerNormParameters,
  QuantizedLevels,
  QuantizeOptions,
} from "../training.js";
import type { TensorTypes } from "./tensor-holder.js";
import {
  DistributionDeviceBackend,
  type DistributionLaunches,
} from "./distribution-device-backend.js";
import type { NormGradientsTask, NormTask } from "./training-launches.js";

export interface QuantizeTensors<T extends TensorTypes> {
  readonly z: T["float32"];
  readonly codebooks: T["float32"];
  readonly sums: T["float32"] | undefined;
  readonly codes: T["int32"];
  readonly distances: T["float32"];
  readonly output: T["float32"];
  readonly pull: T["float32"];
  readonly counts: T["float32"];
}

export interface BalanceTensors<T extends TensorTypes> {
  readonly x: T["float32"];
  readonly books: T["float32"];
  readonly codes: T["int32"];
}

export interface BatchNormTask<T extends TensorTypes> extends NormTask<T> {
  /** Running averages. */
  readonly mean: T["float32"];
  readonly variance: T["float32"];
}

export interface BoundTask<T extends TensorTypes> {
  readonly z: T["float32"];
  readonly gradient: T["float32"];
  readonly shift: T["float32"];
  readonly slope: T["float32"];
  readonly out: T["float32"];
}

/** Launches of all kernels. */
export interface FullLaunches<C, T extends TensorTypes> extends DistributionLaunches<C, T> {
  /** `quantizeLevels` */
  readonly quantize: (device: C, tensors: QuantizeTensors<T>, extents: QuantizeExtents) => void;
  readonly assignBalanced: (
    device: C,
    tensors: BalanceTensors<T>,
    shape: BookShape,
    options: BalanceOptions,
  ) => void;
  /** `batchNorm`; without a momentum, by the running averages. */
  readonly normalizeBatch: (
    device: C,
    task: BatchNormTask<T>,
    momentum: number | undefined,
  ) => void;
  readonly batchNormGradients: (device: C, task: NormGradientsTask<T>) => void;
  readonly boundGradients: (device: C, task: BoundTask<T>) => void;
}

/**
 * A backend with all kernels: it adds those that a trainer has composed of others, and those that only a setting of a trainer
 * needs.
 */
export abstract class FullDeviceBackend<C, T extends TensorTypes>
  extends DistributionDeviceBackend<C, T>
  implements OptionKernels
{
  protected abstract override readonly launches: FullLaunches<C, T>;

  quantizeLevels(
    z: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    sizes: readonly number[],
    options: QuantizeOptions = {},
  ): QuantizedLevels {
    const rows = this.own(z, "z", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const sums = options.sums && this.own(options.sums, "sums", "float32");
    const extents = checkQuantizeLevels(rows, books, sizes, options);
    const shape = [sizes.length, extents.rows, extents.groups];
    return this.made(() => {
      const found = {
        codes: this.output("int32", shape),
        distances: this.output("float32", shape),
        output: this.output("float32", rows.shape),
        pull: this.output("float32", rows.shape),
        counts: this.output("float32", [extents.groups * extents.codewords]),
      };
      this.launches.quantize(this.device, { ...found, z: rows, codebooks: books, sums }, extents);
      return found;
    });
  }

  balancedAssign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: BalanceOptions,
  ): Tensor<"int32"> {
    const rows = this.own(x, "x", "float32");
    const books = this.own(codebooks, "codebooks", "float32");
    const shape = checkBalancedAssign(rows, books, options);
    return this.made(() => {
      const codes = this.output("int32", [shape.rows, shape.groups]);
      this.launches.assignBalanced(this.device, { x: rows, books, codes }, shape, options);
      return codes;
    });
  }

  batchNorm(
    x: Tensor<"float32">,
    parameters: LayerNormParameters,
    running: BatchStatistics,
    options: BatchNormOptions,
  ): ActivatedLayer {
    const input = this.own(x, "x", "float32");
    const scale = this.own(parameters.scale, "scale", "float32");
    const shift = this.own(parameters.shift, "shift", "float32");
    const mean = this.own(running.mean, "running.mean", "float32");
    const variance = this.own(running.variance, "running.variance", "float32");
    const { activation } = checkBatchNorm(input, { scale, shift }, { mean, variance }, options);
    const { epsilon, momentum } = options;
    return this.activated(input.shape, activation, (out, pre) => {
      const task = { x: input, scale, shift, mean, variance, epsilon, activation, out, pre };
      this.launches.normalizeBatch(this.device, task, momentum);
    });
  }

  batchNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32"> {
    const tensors = this.ownNormalized(x, scale, gradient, into);
    checkBatchNormGradients(tensors.x, tensors.scale, tensors.gradient, into, epsilon);
    return this.made(() => {
      const out = this.output("float32", tensors.x.shape);
      this.launches.batchNormGradients(this.device, { ...tensors, epsilon, out });
      return out;
    });
  }

  boundGradient(
    z: Tensor<"float32">,
    gradient: Tensor<"float32">,
    bound: Bound,
  ): Tensor<"float32"> {
    const from = this.own(z, "z", "float32");
    const given = this.own(gradient, "gradient", "float32");
    const shift = this.own(bound.shift, "shift", "float32");
    const slope = this.own(bound.slope, "slope", "float32");
    checkBoundGradient(from, given, { shift, slope });
    return this.made(() => {
      const out = this.output("float32", from.shape);
      this.launches.boundGradients(this.device, { z: from, gradient: given, shift, slope, out });
      return out;
    });
  }
}
