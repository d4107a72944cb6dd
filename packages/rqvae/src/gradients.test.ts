import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import { type Matrix, parseSpec, trainingBackend } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { HostNetwork } from "../test/host-network.js";
import { unitRowsAt } from "./alignment.js";
import { initialParameters } from "./initial.js";
import { valuesOf } from "./layout.js";
import { makePlan, type Plan } from "./plan.js";
import type { TrainingSettings } from "./settings.js";
import { initialState, Trainer } from "./trainer.js";

const ROWS = 7;
const DIMENSION = 6;

const GUMBEL = { estimator: "gumbel", pretraining: 0, temperature: [0.7, 0.1] } as const;
const ENTROPY = { entropy: 0.6, entropyTemperature: 0.8, diversity: 1.3 } as const;

interface Trial {
  readonly settings: Partial<TrainingSettings>;
  readonly quantizer?: string;
  readonly levels?: number;
  /** Values of a row of a second embedding. */
  readonly alignment?: number;
}

/** Random parameters in place of zeros, and codebooks about as large as latents. */
function parametersFor(plan: Plan): Float32Array {
  const values = initialParameters(plan);
  const noise = gaussianMatrix(1, values.length, { seed: 5 }).data;
  for (const { name } of plan.layout.slots) {
    const part = valuesOf(values, plan.layout, name);
    const shift = part.byteOffset / 4 - values.byteOffset / 4;
    const scale = name === "codebooks" ? 0.5 : 0.1;
    for (let i = 0; i < part.length; i++) part[i]! += scale * noise[shift + i]!;
  }
  return values;
}

function secondRows(cols: number): Matrix {
  return gaussianMatrix(ROWS, cols, { seed: 6 });
}

function rowsOf(data: Float32Array, cols: number): number[][] {
  return Array.from({ length: data.length / cols }, (_, i) => [
    ...data.subarray(i * cols, (i + 1) * cols),
  ]);
}

/** Running averages are kept with the parameters, but do not learn. */
function isRunning(name: string): boolean {
  return name.endsWith("norm.mean") || name.endsWith("norm.variance");
}

/** A layer before the mean of a batch is taken has no bias. */
function cancels({ settings, widths }: Plan, name: string): boolean {
  const hidden = !name.includes(`.${widths.length - 1}.`);
  return settings.norm === "batch" && hidden && name.endsWith(".bias");
}

/** Every gradient of a training step against central differences of the loss in float64. */
async function checkGradients(trial: Trial): Promise<void> {
  const { settings, quantizer = "rq3x5", levels = 3, alignment } = trial;
  const plan = makePlan({
    dimension: DIMENSION,
    widths: [8, 4],
    quantizer: parseSpec(quantizer),
    settings,
    seed: 3,
    alignment,
  });
  const parameters = parametersFor(plan);
  const rows = gaussianMatrix(ROWS, DIMENSION, { seed: 4 }).data;
  const backend = trainingBackend(createReferenceBackend());
  const trainer = new Trainer(backend, plan, initialState(plan, parameters));
  const second = alignment === undefined ? undefined : unitRowsAt(secondRows(alignment), undefined);
  const aligned = second && backend.tensor(second.data, [second.rows, second.cols]);
  trainer.gradients(backend.tensor(rows, [ROWS, DIMENSION]), levels, undefined, aligned);
  const gradients = await trainer.readGradients();

  const host = rowsOf(rows, DIMENSION);
  const hostAligned = second && rowsOf(second.data, second.cols);
  const point = Float64Array.from(parameters);
  const held = new HostNetwork(plan, point).hold(host, levels);
  const lossAt = (index: number, change: number): number => {
    const moved = point.slice();
    moved[index]! += change;
    return new HostNetwork(plan, moved).loss(host, levels, held, hostAligned);
  };
  const step = 1e-5;
  for (const { name, start } of plan.layout.slots) {
    const got = valuesOf(gradients, plan.layout, name);
    const learnt =
      (name !== "codebooks" || plan.settings.codebooks === "gradient") && !isRunning(name);
    const exact = Float64Array.from(got, (_, i) =>
      learnt ? (lossAt(start + i, step) - lossAt(start + i, -step)) / (2 * step) : 0,
    );
    const size = Math.max(1e-3, ...exact.map(Math.abs));
    exact.forEach((value, i) => {
      const error = Math.abs(got[i]! - value) / size;
      expect(error, `${name}[${i}]: ${got[i]} against ${value}`).toBeLessThan(1e-4);
    });
    const any = exact.length > 0 && !cancels(plan, name);
    const touched = levels > 0 || (name !== "codebooks" && !name.startsWith("map"));
    if (learnt && touched && any)
      expect(
        exact.some((value) => value !== 0),
        name,
      ).toBe(true);
  }
}

describe("every gradient equals central differences", () => {
  const trials: readonly (readonly [string, Trial])[] = [
    ["by default", { settings: {} }],
    ["before codebooks start", { settings: {}, levels: 0 }],
    ["with two of three levels", { settings: {}, levels: 2 }],
    ["of one codebook", { settings: {}, quantizer: "vq7", levels: 1 }],
    ["of a product", { settings: {}, quantizer: "split2(rq2x5)", levels: 2 }],
    ["gelu", { settings: { activation: "gelu" } }],
    ["silu with layer normalization", { settings: { activation: "silu", norm: "layer" } }],
    ["relu with layer normalization and dropout", { settings: { norm: "layer", dropout: 0.3 } }],
    ["gelu with batch normalization", { settings: { activation: "gelu", norm: "batch" } }],
    [
      "silu with batch normalization and dropout, before codebooks start",
      { settings: { activation: "silu", norm: "batch", dropout: 0.3 }, levels: 0 },
    ],
    ["values rounded by fsq", { settings: {}, quantizer: "fsq(8,5,3,2)", levels: 4 }],
    [
      "fsq of means, with a skip",
      { settings: { skip: true, reduction: "mean" }, quantizer: "fsq(4,4,7,5,2,3)", levels: 6 },
    ],
    ["levels that are balanced", { settings: { balance: [0.5, 0, 0.05] } }],
    [
      "a product that is balanced",
      { settings: { balance: 0.1 }, quantizer: "split2(rq2x5)", levels: 2 },
    ],
    ["dropout", { settings: { dropout: 0.4 } }],
    ["with a skip", { settings: { skip: true } }],
    ["with a skip, before codebooks start", { settings: { skip: true }, levels: 0 }],
    ["rotation", { settings: { estimator: "rotation" } }],
    ["rotation with a skip", { settings: { estimator: "rotation", skip: true } }],
    ["means", { settings: { reduction: "mean" } }],
    [
      "weights of levels",
      { settings: { levelWeights: [1, 0.5, 2], commitment: 0.7, codebook: 0.3 } },
    ],
    ["normalized reconstruction", { settings: { reconstruction: "normalized" } }],
    ["cosine reconstruction", { settings: { reconstruction: "cosine" } }],
    ["codebooks by averages", { settings: { codebooks: "ema" } }],
    ["codebooks behind maps", { settings: { codebooks: "projected" } }],
    ["Gumbel-softmax", { settings: GUMBEL }],
    ["Gumbel-softmax with two of three levels", { settings: GUMBEL, levels: 2 }],
    ["Gumbel-softmax of one codebook", { settings: GUMBEL, quantizer: "vq7", levels: 1 }],
    ["Gumbel-softmax of a product", { settings: GUMBEL, quantizer: "split2(rq2x5)", levels: 2 }],
    ["Gumbel-softmax behind maps", { settings: { ...GUMBEL, codebooks: "projected" } }],
    ["Gumbel-softmax with a skip", { settings: { ...GUMBEL, skip: true } }],
    ["entropy", { settings: ENTROPY }],
    ["entropy of a product", { settings: ENTROPY, quantizer: "split2(rq2x5)", levels: 2 }],
    ["entropy with averages", { settings: { ...ENTROPY, codebooks: "ema" } }],
    ["entropy behind maps", { settings: { ...ENTROPY, codebooks: "projected" } }],
    ["entropy with Gumbel-softmax", { settings: { ...ENTROPY, ...GUMBEL } }],
    ["alignment", { settings: { alignmentWeight: 0.7 }, alignment: 3 }],
    ["alignment without a map", { settings: { alignmentWeight: 0.7 }, alignment: 4 }],
    ["alignment before codebooks start", { settings: {}, alignment: 3, levels: 0 }],
    ["alignment with a skip", { settings: { skip: true }, alignment: 3 }],
    ["alignment by rotation", { settings: { estimator: "rotation" }, alignment: 3 }],
    ["alignment by Gumbel-softmax", { settings: GUMBEL, alignment: 3 }],
  ];
  it.each(trials)("%s", async (_, trial) => checkGradients(trial));
});
