import {
  checkContrastiveLoss,
  checkEntropy,
  checkSoftmax,
  checkSoftmaxGradient,
} from "../arguments/index.js";
import type { Tensor } from "../tensor.js";
import type { RowLosses } from "../training.js";
import type {
  ContrastiveOptions,
  DistributionKernels,
  GumbelNoise,
  SoftmaxGradientOptions,
  SoftmaxOptions,
} from "../training-distributions.js";
import type { TensorTypes } from "./tensor-holder.js";
import { SearchDeviceBackend, type SearchLaunches } from "./search-device-backend.js";

export interface SoftmaxTask<T extends TensorTypes> {
  readonly logits: T["float32"];
  readonly unit: T["float32"] | undefined;
  readonly out: T["float32"];
  readonly scale: number;
  readonly noise: GumbelNoise | undefined;
}

export interface SoftmaxGradientTask<T extends TensorTypes> {
  readonly probabilities: T["float32"];
  readonly gradient: T["float32"];
  readonly unit: T["float32"] | undefined;
  readonly shared: T["float32"] | undefined;
  readonly scale: number;
  readonly out: T["float32"];
}

export interface RowLossTask<T extends TensorTypes> {
  readonly rows: T["float32"];
  readonly losses: T["float32"];
  readonly gradient: T["float32"];
}

/** Launches of the kernels that training by distributions needs. */
export interface DistributionLaunches<C, T extends TensorTypes> extends SearchLaunches<C, T> {
  readonly softmax: (device: C, task: SoftmaxTask<T>) => void;
  readonly softmaxGradient: (device: C, task: SoftmaxGradientTask<T>) => void;
  readonly entropy: (device: C, task: RowLossTask<T>, weight: number) => void;
  /** `contrastiveLoss` */
  readonly contrast: (device: C, task: RowLossTask<T>, options: ContrastiveOptions) => void;
}

/** A backend that trains by distributions as well. */
export abstract class DistributionDeviceBackend<C, T extends TensorTypes>
  extends SearchDeviceBackend<C, T>
  implements DistributionKernels
{
  protected abstract override readonly launches: DistributionLaunches<C, T>;

  softmax(
    logits: Tensor<"float32">,
    { scale = 1, unit, noise }: SoftmaxOptions = {},
  ): Tensor<"float32"> {
    const given = this.own(logits, "logits", "float32");
    const measure = unit && this.own(unit, "unit", "float32");
    checkSoftmax(given, { unit: measure, noise });
    return this.made(() => {
      const out = this.output("float32", given.shape);
      this.launches.softmax(this.device, { logits: given, unit: measure, out, scale, noise });
      return out;
    });
  }

  softmaxGradient(
    probabilities: Tensor<"float32">,
    gradient: Tensor<"float32">,
    { scale = 1, unit, shared }: SoftmaxGradientOptions = {},
  ): Tensor<"float32"> {
    const made = this.own(probabilities, "probabilities", "float32");
    const given = this.own(gradient, "gradient", "float32");
    const added = shared && this.own(shared, "shared", "float32");
    const measure = unit && this.own(unit, "unit", "float32");
    checkSoftmaxGradient(made, given, { unit: measure, shared: added });
    return this.made(() => {
      const out = this.output("float32", made.shape);
      const inputs = { probabilities: made, gradient: given, unit: measure, shared: added };
      this.launches.softmaxGradient(this.device, { ...inputs, scale, out });
      return out;
    });
  }

  entropy(probabilities: Tensor<"float32">, weight: number): RowLosses {
    const rows = this.own(probabilities, "probabilities", "float32");
    checkEntropy(rows);
    return this.#losses(rows, (task) => this.launches.entropy(this.device, task, weight));
  }

  contrastiveLoss(similarities: Tensor<"float32">, options: ContrastiveOptions): RowLosses {
    const rows = this.own(similarities, "similarities", "float32");
    checkContrastiveLoss(rows);
    return this.#losses(rows, (task) => this.launches.contrast(this.device, task, options));
  }

  /** A loss of each row, and its gradient with respect to the row. */
  #losses(rows: T["float32"], launch: (task: RowLossTask<T>) => void): RowLosses {
    return this.made(() => {
      const losses = this.output("float32", [rows.shape[0]!]);
      const gradient = this.output("float32", rows.shape);
      launch({ rows, losses, gradient });
      return { losses, gradient };
    });
  }
}
