import { ArgumentError, type Matrix, symmetricEigen } from "@tessera/core";
import { momentsOf, type TransformOptions } from "@tessera/transforms";
import { valuesOf } from "./layout.js";
import type { Plan } from "./plan.js";
import type { TrainingSettings } from "./settings.js";

/** Deviations of a component that one unit of a bounded latent stands for. */
const UNIT = 1.4;

/** @throws {ArgumentError} for settings under which the network cannot start as principal components */
export function checkStart({ start, skip, norm }: TrainingSettings): void {
  if (start === "random" || (!skip && norm === "none")) return;
  const why = skip
    ? "with a skip the network starts as the identity"
    : "normalized layers do not pass components through";
  throw new ArgumentError(`start is "pca", but ${why}`, {
    hint: skip ? "leave out start or skip" : 'leave out start, or set norm to "none"',
  });
}

/**
 * Sets the networks to the principal components of the rows: at first z_j = v_j · (x − μ), and y = μ + Σ_j z_j v_j.
 *
 * A hidden layer passes a component a on as two units, f(a) and f(−a): for ReLU, GELU and SiLU f(a) − f(−a) = a. So there
 * are as many components as the latent has values and each hidden layer has pairs of units. The other units keep their
 * random weights, but the last layers do not look at them yet; values of the latent beyond the components stay random.
 * Under FSQ, whose values lie within ±1, a component is divided by {@link UNIT} of its deviations.
 *
 * @param parameters changed in place
 * @param rows `[n, dimension]`, standardized
 */
export async function startByPca(
  parameters: Float32Array,
  plan: Plan,
  rows: Matrix,
  options: TransformOptions,
): Promise<void> {
  const { dimension, latent, widths } = plan;
  const hidden = widths.slice(0, -1);
  const count = Math.min(latent, dimension, ...hidden.map((width) => Math.floor(width / 2)));
  const { mean, covariance } = await momentsOf(rows, options);
  const { values, vectors } = await symmetricEigen(covariance, dimension, options.signal);
  const components = Array.from({ length: count }, (_, j) =>
    Float32Array.from(vectors.subarray(j * dimension, (j + 1) * dimension)),
  );
  const center = Float32Array.from(mean);
  const pairs = (width: number): Float32Array[] =>
    components.map((_, j) => vector(width, [2 * j, 1], [2 * j + 1, -1]));
  /** What one unit of the latent stands for. */
  const units = components.map(
    (_, j) => (plan.bottleneck.finite && UNIT * Math.sqrt(Math.max(0, values[j]!))) || 1,
  );
  const toLatent = units.map((unit, j) => vector(latent, [j, 1 / unit]));
  const ofLatent = units.map((unit, j) => vector(latent, [j, unit]));
  const offsets = components.map((component) => -dot(component, center));
  const set = (network: string, layer: number, reads: Component, writes: Component): void => {
    const part = (name: string): Float32Array =>
      valuesOf(parameters, plan.layout, `${network}.${layer}.${name}`);
    setLayer(part("weight"), part("bias"), reads, writes, writes === components);
  };
  const last = widths.length - 1;
  for (let layer = 0; layer <= last; layer++) {
    const first = layer === 0;
    const end = layer === last;
    set(
      "encoder",
      layer,
      first ? components : pairs(hidden[layer - 1]!),
      end ? toLatent : pairs(hidden[layer]!),
    );
    set(
      "decoder",
      layer,
      first ? ofLatent : pairs(hidden[last - layer]!),
      end ? components : pairs(hidden[last - layer - 1]!),
    );
  }
  const ofFirst = last === 0 ? toLatent : pairs(hidden[0]!);
  const bias = valuesOf(parameters, plan.layout, "encoder.0.bias");
  ofFirst.forEach((write, j) => {
    for (let i = 0; i < bias.length; i++) bias[i]! += offsets[j]! * write[i]!;
  });
  valuesOf(parameters, plan.layout, `decoder.${last}.bias`).set(center);
}

/** How much of each component there is in each of a layer's inputs, or goes to each of its outputs. */
type Component = readonly Float32Array[];

/** Outputs that components go to, or all, are made of them and nothing else. */
function setLayer(
  weight: Float32Array,
  bias: Float32Array,
  reads: Component,
  writes: Component,
  all: boolean,
): void {
  const inputs = weight.length / bias.length;
  bias.forEach((_, output) => {
    const row = weight.subarray(output * inputs, (output + 1) * inputs);
    if (!all && writes.every((write) => write[output] === 0)) return;
    row.fill(0);
    bias[output] = 0;
    writes.forEach((write, j) => {
      const factor = write[output]!;
      if (factor === 0) return;
      for (let i = 0; i < inputs; i++) row[i]! += factor * reads[j]![i]!;
    });
  });
}

function vector(length: number, ...entries: readonly (readonly [number, number])[]): Float32Array {
  const values = new Float32Array(length);
  for (const [index, value] of entries) values[index] = value;
  return values;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
