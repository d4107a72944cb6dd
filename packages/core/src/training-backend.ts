import type { CompleteBackend, ComputeBackend } from "./backend.js";
import { completeBackend } from "./complete.js";
import { BackendError } from "./errors.js";
import { OPTION_KERNELS } from "./option-kernels.js";
import { quantizeLevelsBy } from "./quantize-levels.js";
import { DISTRIBUTION_KERNELS } from "./training-distributions.js";
import type { TrainingKernels } from "./training.js";

/** A backend that can train. */
export type TrainingBackend = CompleteBackend & TrainingKernels;

/** What no other kernels amount to. */
const REQUIRED = [
  "write",
  "linear",
  "inputGradient",
  "parameterGradients",
  "layerNorm",
  "layerNormGradients",
  "dropout",
  "reconstructionLoss",
  "rotateGradient",
  "optimizerStep",
  "emaStep",
] as const satisfies readonly (keyof TrainingKernels)[];

/** The names of all kernels of {@link TrainingKernels}. */
export const TRAINING_KERNELS: readonly (keyof TrainingKernels)[] = [
  ...REQUIRED,
  "linearGradients",
  "quantizeLevels",
  "sumOfSquares",
  ...DISTRIBUTION_KERNELS,
  ...OPTION_KERNELS,
];

const trainers = new WeakMap<ComputeBackend, TrainingBackend>();

/**
 * The backend with every kernel that training needs, composed where that is possible.
 *
 * @throws {BackendError} that names what is missing, if the backend cannot train
 */
export function trainingBackend(backend: ComputeBackend): TrainingBackend {
  const known = trainers.get(backend);
  if (known) return known;
  const missing = missingForTraining(backend);
  if (missing.length > 0) {
    throw new BackendError(`${backend.info.name} cannot train: it has no ${missing.join(", ")}`, {
      hint: "train on the CPU backend; the model then encodes on this one",
    });
  }
  const full = Object.create(completeBackend(backend)) as TrainingBackend;
  const compose = <K extends keyof TrainingKernels>(name: K, kernel: TrainingKernels[K]): void => {
    if (typeof backend[name] !== "function") Object.defineProperty(full, name, { value: kernel });
  };
  compose("linearGradients", (x, weight, gradient, into, options) => {
    full.parameterGradients(x, gradient, into);
    return full.inputGradient(gradient, weight, options);
  });
  compose("sumOfSquares", (x) =>
    full.scope(() => {
      const column = full.reshape(x, [x.size, 1]);
      const codes = full.zeros([x.size, 1], "int32");
      const { sums } = full.clusterSums(column, codes, 1, full.reshape(x, [x.size]));
      return full.reshape(sums, [1]);
    }),
  );
  compose("quantizeLevels", (z, codebooks, sizes, options) =>
    quantizeLevelsBy(
      full,
      z,
      codebooks,
      sizes,
      (left, book) => full.assign(left, book).codes,
      options,
    ),
  );
  trainers.set(backend, full);
  trainers.set(full, full);
  return full;
}

/** The kernels that a backend lacks for training and that cannot be composed. */
export function missingForTraining(backend: ComputeBackend): readonly string[] {
  return REQUIRED.filter((name) => typeof backend[name] !== "function");
}
