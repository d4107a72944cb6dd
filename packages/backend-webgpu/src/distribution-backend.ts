import type {
  ComputeBackend,
  ContrastiveOptions,
  DistributionKernels,
  RowLosses,
  SoftmaxGradientOptions,
  SoftmaxOptions,
  Tensor,
} from "@tessera/core";
import {
  checkContrastiveLoss,
  checkEntropy,
  checkSoftmax,
  checkSoftmaxGradient,
} from "@tessera/core/arguments";
import { own } from "./arguments.js";
import {
  contrast,
  entropy,
  type RowLossTask,
  softmax,
  softmaxGradient,
} from "./launch-distributions.js";
import { WebGpuScanBackend } from "./scan-backend.js";
import type { GpuTensor } from "./tensor.js";

/** The backend with the kernels that training by distributions needs. */
export class WebGpuDistributionBackend
  extends WebGpuScanBackend
  implements ComputeBackend, DistributionKernels
{
  softmax(
    logits: Tensor<"float32">,
    { scale = 1, unit, noise }: SoftmaxOptions = {},
  ): Tensor<"float32"> {
    const given = own(this, logits, "logits", "float32");
    const measure = unit && own(this, unit, "unit", "float32");
    checkSoftmax(given, { unit: measure, noise });
    return this.made(() => {
      const out = this.output("float32", given.shape);
      softmax(this.device, { logits: given, unit: measure, out, scale, noise });
      return out;
    });
  }

  softmaxGradient(
    probabilities: Tensor<"float32">,
    gradient: Tensor<"float32">,
    { scale = 1, unit, shared }: SoftmaxGradientOptions = {},
  ): Tensor<"float32"> {
    const chances = own(this, probabilities, "probabilities", "float32");
    const given = own(this, gradient, "gradient", "float32");
    const measure = unit && own(this, unit, "unit", "float32");
    const added = shared && own(this, shared, "shared", "float32");
    checkSoftmaxGradient(chances, given, { unit: measure, shared: added });
    return this.made(() => {
      const out = this.output("float32", chances.shape);
      const task = { probabilities: chances, gradient: given, unit: measure, shared: added };
      softmaxGradient(this.device, { ...task, scale, out });
      return out;
    });
  }

  entropy(probabilities: Tensor<"float32">, weight: number): RowLosses {
    const of = own(this, probabilities, "probabilities", "float32");
    checkEntropy(of);
    return this.#losses(of, (task) => entropy(this.device, task, weight));
  }

  contrastiveLoss(similarities: Tensor<"float32">, options: ContrastiveOptions): RowLosses {
    const of = own(this, similarities, "similarities", "float32");
    checkContrastiveLoss(of);
    return this.#losses(of, (task) => contrast(this.device, task, options));
  }

  /** A loss of each row, and its gradient with respect to the row. */
  #losses(of: GpuTensor<"float32">, launch: (task: RowLossTask) => void): RowLosses {
    return this.made(() => {
      const losses = this.output("float32", [of.shape[0]!]);
      const gradient = this.output("float32", of.shape);
      launch({ of, losses, gradient });
      return { losses, gradient };
    });
  }
}
