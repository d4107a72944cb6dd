import {
  missingForTraining,
  sumTolerance,
  trainingBackend,
  type CompleteBackend,
  type OptionKernels,
  type Tensor,
  type TrainingBackend,
} from "@tessera/core";
import { gaussianMatrix } from "../../generators.js";
import { expectClose, readAs } from "../assertions.js";
import type { CaseDefinition, Settings } from "../case.js";
import { floats } from "../problems.js";

/** A case for backends that train; the others pass it, since they promise nothing here. */
export function trainingCase(
  name: string,
  body: (backend: TrainingBackend, settings: Settings) => Promise<void>,
): CaseDefinition {
  return {
    name,
    body: async (backend, settings) => {
      if (missingForTraining(backend).length === 0) await body(trainingBackend(backend), settings);
    },
  };
}

/** A trainer with certain kernels that it may leave out. */
export type With<K extends keyof OptionKernels> = TrainingBackend & Pick<OptionKernels, K>;

export function has<K extends keyof OptionKernels>(
  backend: TrainingBackend,
  names: readonly K[],
): backend is With<K> {
  return names.every((name) => backend[name] !== undefined);
}

/** A case for backends that have certain kernels; the others pass it. */
export function optionCase<K extends keyof OptionKernels>(
  names: readonly K[],
  name: string,
  body: (backend: With<K>, settings: Settings) => Promise<void>,
): CaseDefinition {
  return trainingCase(name, async (backend, settings) => {
    if (has(backend, names)) await body(backend, settings);
  });
}

export function normals(size: number, seed: number): Float32Array {
  return gaussianMatrix(1, size, { seed }).data;
}

export function magnitudes(values: Float32Array): Float32Array {
  return values.map(Math.abs);
}

/** A tensor that a kernel is to write, full of what it must not keep. */
export function written(backend: CompleteBackend, shape: readonly number[]): Tensor<"float32"> {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return floats(backend, new Float32Array(size).fill(77), shape);
}

/** Every value within the tolerance of a sum, given the magnitudes of its terms. */
export async function expectSums(
  got: Tensor<"float32">,
  expected: ArrayLike<number>,
  terms: number,
  magnitude: ArrayLike<number>,
  shape: readonly number[],
  name: string,
  settings: Settings,
): Promise<void> {
  const bound = (i: number) =>
    sumTolerance(terms) * magnitude[i]! + (terms + 2) * settings.smallest;
  expectClose(await readAs(got, "float32", shape, name), expected, bound, shape, name);
}
