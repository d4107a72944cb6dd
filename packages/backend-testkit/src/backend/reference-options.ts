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
import {
  checkChoice,
  checkInteger,
  checkNumber,
  checkRows,
  checkShape,
  codebookShape,
} from "./arguments.js";
import { overwrite } from "./reference-tensor.js";
import { ACTIVATIONS, checkNormalizable, ReferenceTraining } from "./reference-training.js";
import { part, run, values } from "./result.js";

/** The kernels of the reference backend that only a setting of a trainer needs. */
export class ReferenceOptions extends ReferenceTraining implements OptionKernels {
  balancedAssign(
    x: Tensor<"float32">,
    codebooks: Tensor<"float32">,
    options: BalanceOptions,
  ): Tensor<"int32"> {
    const input = this.content(x, "x", "float32");
    const books = this.content(codebooks, "codebooks", "float32");
    const shape = codebookShape(codebooks);
    const rows = checkRows(x, "x", shape);
    checkNumber(options.epsilon, "epsilon", MIN_BALANCE_EPSILON, Infinity);
    checkInteger(options.iterations, "iterations", 1, 2 ** 24);
    const result = run([input, books], () =>
      this.kernels.balancedAssign(values(input), values(books), shape, options),
    );
    return this.create(
      "int32",
      [rows, shape.groups],
      "fault" in result ? result : { values: result.value.codes },
    );
  }

  batchNorm(
    x: Tensor<"float32">,
    { scale, shift }: LayerNormParameters,
    { mean, variance }: BatchStatistics,
    { epsilon, activation = "none", momentum }: BatchNormOptions,
  ): ActivatedLayer {
    const input = this.content(x, "x", "float32");
    const by = this.content(scale, "scale", "float32");
    const added = this.content(shift, "shift", "float32");
    const center = this.content(mean, "running.mean", "float32");
    const spread = this.content(variance, "running.variance", "float32");
    checkNormalizable(x);
    const [rows, columns] = x.shape as [number, number];
    for (const [name, tensor] of Object.entries({ scale, shift, mean, variance })) {
      checkShape(tensor, name, [columns]);
    }
    checkNumber(epsilon, "epsilon", Number.MIN_VALUE, Infinity);
    checkChoice(activation, "activation", ACTIVATIONS);
    if (momentum !== undefined) {
      checkNumber(momentum, "momentum", 0, 1);
      checkBatch(rows);
    }
    const moved = run([input, center, spread], () => {
      const old = { mean: values(center), variance: values(spread) };
      return momentum === undefined ? old : this.kernels.running(values(input), old, momentum);
    });
    const result = run(
      [input, by, added, ...(momentum === undefined ? [center, spread] : [])],
      () => {
        const own =
          momentum === undefined
            ? { mean: values(center), variance: values(spread) }
            : this.kernels.batchStatistics(values(input), columns);
        return this.kernels.batchNorm(
          values(input),
          values(by),
          values(added),
          own,
          epsilon,
          activation,
        );
      },
    );
    if (momentum !== undefined) {
      overwrite(
        center,
        part(moved, (found) => found.mean),
      );
      overwrite(
        spread,
        part(moved, (found) => found.variance),
      );
    }
    return this.activated(x.shape, result, activation);
  }

  batchNormGradients(
    x: Tensor<"float32">,
    scale: Tensor<"float32">,
    gradient: Tensor<"float32">,
    into: LayerNormParameters,
    epsilon: number,
  ): Tensor<"float32"> {
    const input = this.content(x, "x", "float32");
    const by = this.content(scale, "scale", "float32");
    const given = this.content(gradient, "gradient", "float32");
    const intoScale = this.content(into.scale, "into.scale", "float32");
    const intoShift = this.content(into.shift, "into.shift", "float32");
    checkNormalizable(x);
    checkBatch(x.shape[0]!);
    checkShape(scale, "scale", [x.shape[1]]);
    checkShape(gradient, "gradient", x.shape);
    checkShape(into.scale, "into.scale", scale.shape);
    checkShape(into.shift, "into.shift", scale.shape);
    checkNumber(epsilon, "epsilon", Number.MIN_VALUE, Infinity);
    const result = run([input, by, given], () =>
      this.kernels.batchNormGradients(values(input), values(by), values(given), epsilon),
    );
    overwrite(
      intoScale,
      part(result, (found) => found.scale),
    );
    overwrite(
      intoShift,
      part(result, (found) => found.shift),
    );
    return this.floats(
      x.shape,
      part(result, (found) => found.x),
    );
  }

  boundGradient(
    z: Tensor<"float32">,
    gradient: Tensor<"float32">,
    { shift, slope }: Bound,
  ): Tensor<"float32"> {
    const from = this.content(z, "z", "float32");
    const given = this.content(gradient, "gradient", "float32");
    const by = this.content(shift, "shift", "float32");
    const times = this.content(slope, "slope", "float32");
    checkShape(z, "z", [undefined, undefined]);
    checkShape(gradient, "gradient", z.shape);
    checkShape(shift, "shift", [z.shape[1]]);
    checkShape(slope, "slope", [z.shape[1]]);
    const result = run([from, given, by, times], () =>
      this.kernels.boundGradient(values(from), values(given), values(by), values(times)),
    );
    return this.floats(z.shape, result);
  }
}

function checkBatch(rows: number): void {
  if (rows >= 2) return;
  throw new ShapeError(`a batch of ${rows} rows has no variance to normalize by`, {
    hint: "batch normalization needs 2 rows or more",
  });
}
