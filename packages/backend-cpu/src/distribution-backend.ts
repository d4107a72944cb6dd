import {
  type CompleteBackend,
  type ContrastiveOptions,
  type DistributionKernels,
  type RowLosses,
  ShapeError,
  type SoftmaxGradientOptions,
  type SoftmaxOptions,
  type Tensor,
} from "@tessera/core";
import { checkInteger, checkShape, own } from "./arguments.js";
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
    checkDistributions(given, "logits");
    if (noise) {
      checkInteger(noise.seed, "noise.seed", 0, 2 ** 32 - 1);
      checkInteger(noise.call, "noise.call", 0, 2 ** 32 - 1);
      checkInteger(given.size, "the number of elements of logits", 0, 2 ** 32 - 1);
    }
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
    checkDistributions(made, "probabilities");
    checkShape(given, "gradient", made.shape);
    if (added) checkShape(added, "shared", [made.shape[1]]);
    return this.made(() => {
      const out = this.output("float32", made.shape);
      const task = { probabilities: made, gradient: given, unit: measure, shared: added };
      softmaxGradient(this.device, { ...task, scale, out });
      return out;
    });
  }

  entropy(probabilities: Tensor<"float32">, weight: number): RowLosses {
    const made = own(this, probabilities, "probabilities", "float32");
    checkDistributions(made, "probabilities");
    return this.#losses(made, (task) => entropy(this.device, task, weight));
  }

  contrastiveLoss(similarities: Tensor<"float32">, options: ContrastiveOptions): RowLosses {
    const given = own(this, similarities, "similarities", "float32");
    checkDistributions(given, "similarities");
    const [rows, columns] = given.shape as [number, number];
    if (columns < rows) {
      throw new ShapeError(`similarities of ${rows} rows are to ${columns} candidates`, {
        hint: "each row's own candidate has the row's number, so there are at least as many",
      });
    }
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
  const owned = unit && own(owner, unit, "unit", "float32");
  if (owned) checkShape(owned, "unit", [1]);
  return owned;
}

function checkDistributions(tensor: Tensor, name: string): void {
  checkShape(tensor, name, [undefined, undefined]);
  if (tensor.shape[1]! > 0) return;
  throw new ShapeError(`${name} has no columns`, { hint: "a distribution is over at least one" });
}
