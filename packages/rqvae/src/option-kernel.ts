import { BackendError, type OptionKernels, type TrainingBackend } from "@tessera/core";

/** What settings need a kernel that a backend may lack. */
const NEEDED_BY: Readonly<Record<keyof OptionKernels, string>> = {
  balancedAssign: "balance",
  batchNorm: 'norm: "batch"',
  batchNormGradients: 'norm: "batch"',
  boundGradient: "fsq behind an autoencoder",
};

/** @throws {BackendError} that says what needs the kernel, where the backend lacks it */
export function optionKernel<K extends keyof OptionKernels>(
  backend: TrainingBackend,
  name: K,
): OptionKernels[K] {
  const kernel = backend[name];
  if (kernel) return kernel.bind(backend) as OptionKernels[K];
  throw new BackendError(`${backend.info.name} has no ${name}, which ${NEEDED_BY[name]} needs`, {
    hint: "train on the CPU backend; the model then encodes on this one",
  });
}
