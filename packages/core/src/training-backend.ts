import type { CompleteBackend, ComputeBackend } from "./backend.js";
import { completeBackend } from "./complete.js";
import { BackendError } from "./errors.js";
import { DISTRIBUTION_KERNELS } from "./training-distributions.js";
import type { QuantizedLevels, QuantizeOptions, TrainingKernels } from "./training.js";
import type { Tensor } from "./tensor.js";

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
    full.scope(() => quantizeLevels(full, z, codebooks, sizes, options)),
  );
  trainers.set(backend, full);
  trainers.set(full, full);
  return full;
}

/** The kernels that a backend lacks for training and that cannot be composed. */
export function missingForTraining(backend: ComputeBackend): readonly string[] {
  return REQUIRED.filter((name) => typeof backend[name] !== "function");
}

function quantizeLevels(
  backend: TrainingBackend,
  z: Tensor<"float32">,
  codebooks: Tensor<"float32">,
  sizes: readonly number[],
  options: QuantizeOptions = {},
): QuantizedLevels {
  const { groups = 1, pullWeights, sums, sumWeights } = options;
  const [rows, width] = z.shape as [number, number];
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const books = backend.reshape(codebooks, [total, width]);
  const target = sums && backend.reshape(sums, [total, width]);
  const codes = backend.zeros([sizes.length, rows, groups], "int32");
  const distances = backend.zeros([sizes.length, rows, groups], "float32");
  const counts = backend.zeros([groups * total], "float32");
  let output = backend.zeros([rows, width], "float32");
  let pull = backend.zeros([rows, width], "float32");
  let left = z;
  let start = 0;
  sizes.forEach((size, l) => {
    const shape = [groups, size, width / groups];
    const book = backend.reshape(backend.slice(books, start, start + size), shape);
    const near = backend.assign(left, book);
    left = backend.residual(left, book, near.codes);
    output = backend.combine(output, backend.gather(book, near.codes), 1, 1);
    pull = backend.combine(pull, left, 1, pullWeights?.[l] ?? 1);
    const found = backend.clusterSums(left, near.codes, size);
    const place = [1, rows, groups];
    backend.write(backend.slice(codes, l, l + 1), backend.reshape(near.codes, place));
    backend.write(backend.slice(distances, l, l + 1), backend.reshape(near.distances, place));
    const end = start + size;
    const held = backend.slice(counts, groups * start, groups * end);
    backend.write(held, backend.reshape(found.counts, [groups * size]));
    if (target) {
      const weighted = backend.combine(found.sums, found.sums, sumWeights?.[l] ?? 1, 0);
      const flat = backend.reshape(weighted, [size, width]);
      backend.write(backend.slice(target, start, end), flat);
    }
    start = end;
  });
  return { codes, distances, output, pull, counts };
}
