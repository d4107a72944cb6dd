import type { Tensor, TrainingBackend } from "@tessera/core";
import { floats } from "../problems.js";
import { has, magnitudes, normals } from "./problem.js";

type Named = Record<string, Tensor>;

/** Kernels of settings whose row i depends on row i of x alone. */
export function optionRowKernels(backend: TrainingBackend, x: Tensor<"float32">): Named {
  const columns = x.shape[1]!;
  const row = floats(backend, normals(columns, 223));
  const above = floats(backend, magnitudes(normals(columns, 228)));
  const results: Named = {};
  if (has(backend, ["batchNorm"])) {
    const options = { epsilon: 1e-5, activation: "gelu" } as const;
    const running = { mean: row, variance: above };
    const { output } = backend.batchNorm(x, { scale: row, shift: row }, running, options);
    results["batchNorm by running averages"] = output;
  }
  if (has(backend, ["boundGradient"])) {
    results["boundGradient"] = backend.boundGradient(x, x, { shift: row, slope: above });
  }
  return results;
}

/** Kernels of settings that take a batch as a whole. */
export function optionKernels(
  backend: TrainingBackend,
  x: Tensor<"float32">,
  codebooks: Tensor<"float32">,
): Named {
  const [rows, columns] = x.shape as [number, number];
  const results: Named = {};
  if (has(backend, ["balancedAssign"])) {
    const options = { epsilon: 0.05, iterations: 3 };
    results["balancedAssign"] = backend.balancedAssign(x, codebooks, options);
  }
  if (rows >= 2 && has(backend, ["batchNorm", "batchNormGradients"])) {
    const row = floats(backend, normals(columns, 223));
    const running = {
      mean: backend.zeros([columns], "float32"),
      variance: backend.zeros([columns], "float32"),
    };
    const options = { epsilon: 1e-5, momentum: 0.1 };
    const normed = backend.batchNorm(x, { scale: row, shift: row }, running, options);
    const into = {
      scale: backend.zeros([columns], "float32"),
      shift: backend.zeros([columns], "float32"),
    };
    results["batchNorm"] = normed.output;
    results["batchNorm, mean"] = running.mean;
    results["batchNorm, variance"] = running.variance;
    results["batchNormGradients"] = backend.batchNormGradients(x, row, x, into, 1e-5);
    results["batchNormGradients, scale"] = into.scale;
    results["batchNormGradients, shift"] = into.shift;
  }
  return results;
}
