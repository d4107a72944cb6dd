import {
  type ContrastiveOptions,
  type DistributionKernels,
  type RowLosses,
  ShapeError,
  type SoftmaxGradientOptions,
  type SoftmaxOptions,
  type Tensor,
} from "@tessera/core";
import { referenceScale } from "../reference/training/distributions.js";
import type { ReferenceLosses } from "../reference/training/losses.js";
import { checkInteger, checkShape } from "./arguments.js";
import { ReferenceOptions } from "./reference-options.js";
import { part, run, values, type Result } from "./result.js";

/** The kernels of the reference backend that train by distributions. */
export class ReferenceDistributions extends ReferenceOptions implements DistributionKernels {
  softmax(
    logits: Tensor<"float32">,
    { scale = 1, unit, noise }: SoftmaxOptions = {},
  ): Tensor<"float32"> {
    const given = this.content(logits, "logits", "float32");
    const measure = unit && this.content(unit, "unit", "float32");
    checkDistributions(logits, "logits");
    if (unit) checkShape(unit, "unit", [1]);
    if (noise) {
      checkInteger(noise.seed, "noise.seed", 0, 2 ** 32 - 1);
      checkInteger(noise.call, "noise.call", 0, 2 ** 32 - 1);
    }
    const result = run([given, measure], () =>
      this.kernels.softmax(
        values(given),
        logits.shape[1]!,
        referenceScale(scale, measure && values(measure)),
        noise,
      ),
    );
    return this.floats(logits.shape, result);
  }

  softmaxGradient(
    probabilities: Tensor<"float32">,
    gradient: Tensor<"float32">,
    { scale = 1, unit, shared }: SoftmaxGradientOptions = {},
  ): Tensor<"float32"> {
    const made = this.content(probabilities, "probabilities", "float32");
    const given = this.content(gradient, "gradient", "float32");
    const added = shared && this.content(shared, "shared", "float32");
    const measure = unit && this.content(unit, "unit", "float32");
    checkDistributions(probabilities, "probabilities");
    checkShape(gradient, "gradient", probabilities.shape);
    const columns = probabilities.shape[1]!;
    if (shared) checkShape(shared, "shared", [columns]);
    if (unit) checkShape(unit, "unit", [1]);
    const result = run([made, given, added, measure], () =>
      this.kernels.softmaxGradient(
        values(made),
        values(given),
        columns,
        referenceScale(scale, measure && values(measure)),
        added && values(added),
      ),
    );
    return this.floats(probabilities.shape, result);
  }

  entropy(probabilities: Tensor<"float32">, weight: number): RowLosses {
    const made = this.content(probabilities, "probabilities", "float32");
    checkDistributions(probabilities, "probabilities");
    const result = run([made], () =>
      this.kernels.entropy(values(made), probabilities.shape[1]!, weight),
    );
    return this.#losses(probabilities.shape, result);
  }

  contrastiveLoss(similarities: Tensor<"float32">, options: ContrastiveOptions): RowLosses {
    const given = this.content(similarities, "similarities", "float32");
    checkDistributions(similarities, "similarities");
    const [rows, columns] = similarities.shape as [number, number];
    if (columns < rows) {
      throw new ShapeError(`similarities of ${rows} rows are to ${columns} candidates`, {
        hint: "each row's own candidate has the row's number, so there are at least as many",
      });
    }
    const result = run([given], () =>
      this.kernels.contrastiveLoss(values(given), columns, options),
    );
    return this.#losses(similarities.shape, result);
  }

  #losses(shape: readonly number[], result: Result<ReferenceLosses>): RowLosses {
    return {
      losses: this.floats(
        [shape[0]!],
        part(result, (found) => found.losses),
      ),
      gradient: this.floats(
        shape,
        part(result, (found) => found.gradient),
      ),
    };
  }
}

function checkDistributions(tensor: Tensor, name: string): void {
  checkShape(tensor, name, [undefined, undefined]);
  if (tensor.shape[1]! > 0) return;
  throw new ShapeError(`${name} has no columns`, { hint: "a distribution is over at least one" });
}
