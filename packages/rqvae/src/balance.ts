import {
  ArgumentError,
  quantizeLevelsBy,
  type QuantizedLevels,
  type QuantizeOptions,
  type Tensor,
  type TrainingBackend,
} from "@tessera/core";
import { optionKernel } from "./option-kernel.js";
import type { TrainingSettings } from "./settings.js";

/** ε of each of so many levels. @throws {ArgumentError} unless there is one for each */
export function epsilonsOf({ balance }: TrainingSettings, levels: number): readonly number[] {
  if (typeof balance === "number") return Array.from({ length: levels }, () => balance);
  if (balance.length === levels) return balance;
  throw new ArgumentError(`balance has ${balance.length} values for ${levels} levels`, {
    hint: "give one for each level, 0 for levels that are not balanced",
  });
}

/**
 * `quantizeLevels`, but levels whose ε is above 0 share the batch out among their codewords (Caron et al. 2020; LC-Rec:
 * Zheng et al. 2024). Only training does so: a row's code depends on its batch.
 *
 * @throws {BackendError} if the backend cannot balance
 */
export function quantizeBalanced(
  backend: TrainingBackend,
  z: Tensor<"float32">,
  codebooks: Tensor<"float32">,
  sizes: readonly number[],
  options: QuantizeOptions,
  settings: TrainingSettings,
  epsilons: readonly number[],
): QuantizedLevels {
  const iterations = settings.balanceIterations;
  const choose = (
    left: Tensor<"float32">,
    book: Tensor<"float32">,
    level: number,
  ): Tensor<"int32"> => {
    const epsilon = epsilons[level]!;
    if (epsilon === 0) return backend.assign(left, book).codes;
    return optionKernel(backend, "balancedAssign")(left, book, { epsilon, iterations });
  };
  return quantizeLevelsBy(backend, z, codebooks, sizes, choose, options);
}
