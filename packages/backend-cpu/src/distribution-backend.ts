import type {
  CompleteBackend,
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
import { CpuScanBackend } from "./scan-backend.js";
import type { CpuTensor } from "./tensor.js";

/** The backend with the kernels that training by distributions needs. */
export class CpuDistributionBackend
  extends CpuScanBackend
  implements CompleteBackend, DistributionKernels
{
  softmax(
    logits: Tensor<"float32">,
    { scale = 1, unit, noise }: SoftmaxOptions = {},
  ): Tensor<"float32"> {
    const given = own(this, logits, "logits", "float32");
    const measure = ownUnit(this, unit);
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
    const made = own(this, probabilities, "probabilities", "float32");
    const given = own(this, gradient, "gradient", "float32");
    const added = shared && own(this, shared, "shared", "float32");
    const measure = ownUnit(this, unit);
    checkSoftmaxGradient(made, given, { unit: measure, shared: added });
    return this.made(() => {
      const out = this.output("float32", made.shape);
      const task = { probabilities: made, gradient: given, unit: measure, shared: added };
      softmaxGradient(this.device, { ...task, scale, out });
      return out;
    });
  }

  entropy(probabilities: Tensor<"float32">, weight: number): RowLosses {
    const made = own(this, probabilities, "probabilities", "float32");
    checkEntropy(made);
    return this.#losses(made, (task) => entropy(this.device, task, weight));
  }

  contrastiveLoss(similarities: Tensor<"float32">, options: ContrastiveOptions): RowLosses {
    const given = own(this, similarities, "similarities", "float32");
    checkContrastiveLoss(given);
    return this.#losses(given, (task) => contrast(this.device, task, options));
  }

  /** A loss of each row, and its gradient with respect to the row. */
  #losses(rows: CpuTensor<"float32">, launch: (task: RowLossTask) => void): RowLosses {
    return this.made(() => {
      const losses = this.output("float32", [rows.shape[0]!]);
      const gradient = this.output("float32", rows.shape);
      launch({ rows, losses, gradient });
      return { losses, gradient };
    });
  }
}

function ownUnit(
  owner: CpuScanBackend,
  unit: Tensor<"float32"> | undefined,
): CpuTensor<"float32"> | undefined {
  return unit && own(owner, unit, "unit", "float32");
}
