import { sumTolerance, type OptimizerUpdate, type TrainingBackend } from "@tessera/core";
import {
  referenceClipFactor,
  referenceEmaStep,
  referenceOptimizerStep,
} from "../../reference/training/optimizers.js";
import { expectClose, expectExact, readAs } from "../assertions.js";
import type { CaseDefinition } from "../case.js";
import { floats } from "../problems.js";
import { magnitudes, normals, trainingCase } from "./problem.js";

const SIZES = [0, 1, 7, 64, 1003, 20_011];

const RULES: readonly OptimizerUpdate[] = [
  { rule: "adamw", learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: 1 },
  {
    rule: "adamw",
    learningRate: 3e-2,
    weightDecay: 0.1,
    beta1: 0.8,
    beta2: 0.99,
    epsilon: 1e-6,
    step: 1000,
  },
  { rule: "adagrad", learningRate: 0.5, weightDecay: 0.01, epsilon: 1e-10 },
  { rule: "sgd", learningRate: 0.1, weightDecay: 0.2, momentum: 0 },
  { rule: "sgd", learningRate: 0.1, momentum: 0.9 },
];

function stateOf(update: OptimizerUpdate, size: number): Float32Array[] {
  const squares = (seed: number) => normals(size, seed).map((value) => value * value);
  if (update.rule === "adamw") return [normals(size, 203), squares(204)];
  if (update.rule === "adagrad") return [squares(205)];
  return update.momentum === 0 ? [] : [normals(size, 206)];
}

async function checkStep(
  backend: TrainingBackend,
  update: OptimizerUpdate,
  size: number,
  limit: number | undefined,
): Promise<void> {
  const p = normals(size, 201);
  const g = normals(size, 202);
  const state = stateOf(update, size);
  const squaredNorm = 3.7;
  const factor = limit === undefined ? 1 : referenceClipFactor(squaredNorm, limit);
  const exact = referenceOptimizerStep(p, g, state, update, factor);
  const absolute = referenceOptimizerStep(p, magnitudes(g), state.map(magnitudes), update, factor);
  const parameters = floats(backend, p);
  const held = state.map((values) => floats(backend, values));
  const clip = limit !== undefined && {
    clip: { squaredNorm: floats(backend, [squaredNorm]), limit },
  };
  backend.optimizerStep(parameters, floats(backend, g), held, { ...update, ...clip });
  const name = `optimizerStep, ${update.rule}${clip ? ", clipped" : ""}`;
  const bound = (i: number): number => {
    const change = Math.abs(absolute.parameters[i]! - p[i]!);
    return sumTolerance(0) * (2 * Math.abs(p[i]!) + change);
  };
  const moved = await readAs(parameters, "float32", [size], name);
  expectClose(moved, exact.parameters, bound, [size], `${name}, parameters`);
  for (const [i, tensor] of held.entries()) {
    const close = (j: number): number => sumTolerance(0) * absolute.state[i]![j]! + 2 ** -126;
    const values = await readAs(tensor, "float32", [size], name);
    expectClose(values, exact.state[i]!, close, [size], `${name}, state ${i}`);
  }
}

export const optimizerCases: readonly CaseDefinition[] = [
  trainingCase("optimizerStep: every rule, on any number of parameters", async (backend) => {
    for (const update of RULES) {
      for (const size of SIZES) await checkStep(backend, update, size, undefined);
    }
  }),
  trainingCase("optimizerStep: gradients clipped by a norm", async (backend) => {
    for (const update of RULES) {
      for (const limit of [0.5, 1.9, 2, 100]) await checkStep(backend, update, 103, limit);
    }
  }),
  trainingCase("emaStep: codewords follow their rows, those without stay", async (backend) => {
    for (const [codewords, dimension] of [
      [1, 1],
      [37, 5],
      [256, 32],
      [1000, 3],
    ] as const) {
      const books = normals(codewords * dimension, 211);
      const counts = Float32Array.from({ length: codewords }, (_, i) => (i * 7) % 5);
      const sums = normals(codewords * dimension, 212).map((value, i) =>
        counts[Math.floor(i / dimension)] === 0 ? 0 : value,
      );
      const usage = Float32Array.from({ length: codewords }, (_, i) => i % 3);
      const exact = referenceEmaStep(books, sums, counts, usage, 0.9);
      const moved = floats(backend, books, [codewords, dimension]);
      const averaged = floats(backend, usage);
      const added = floats(backend, sums, [codewords, dimension]);
      backend.emaStep(moved, added, floats(backend, counts), averaged, 0.9);
      const shape = [codewords, dimension];
      const bound = (i: number): number =>
        sumTolerance(0) * (Math.abs(books[i]!) + Math.abs(sums[i]!));
      const values = await readAs(moved, "float32", shape, "emaStep");
      expectClose(values, exact.codebooks, bound, shape, "emaStep, codebooks");
      const close = (i: number): number => sumTolerance(0) * exact.usage[i]!;
      const seen = await readAs(averaged, "float32", [codewords], "emaStep");
      expectClose(seen, exact.usage, close, [codewords], "emaStep, usage");
    }
  }),
  trainingCase(
    "sumOfSquares: of any shape, accurate for many values",
    async (backend, settings) => {
      for (const shape of [[0], [1], [3, 5], [Math.ceil(300_007 * Math.min(1, settings.scale))]]) {
        const size = shape.reduce((product, extent) => product * extent, 1);
        const x = normals(size, 213);
        const exact = x.reduce((sum, value) => sum + value * value, 0);
        const found = await readAs(
          backend.sumOfSquares(floats(backend, x, shape)),
          "float32",
          [1],
          "sumOfSquares",
        );
        expectClose(found, [exact], () => 2 ** -18 * exact, [1], "sumOfSquares");
      }
    },
  ),
  trainingCase(
    "write: through views of one storage, in order with what reads it",
    async (backend) => {
      const all = floats(backend, [1, 2, 3, 4, 5, 6]);
      const middle = backend.reshape(backend.slice(all, 2, 4), [2, 1]);
      const before = backend.combine(all, all, 1, 0);
      backend.write(middle, floats(backend, [10, 20], [2, 1]));
      const after = backend.combine(all, all, 1, 1);
      backend.write(middle, floats(backend, [0, 0], [2, 1]));
      expectExact(await before.read(), [1, 2, 3, 4, 5, 6], [6], "before write");
      expectExact(await after.read(), [2, 4, 20, 40, 10, 12], [6], "after write");
      expectExact(await all.read(), [1, 2, 0, 0, 5, 6], [6], "after both");
      const codes = backend.zeros([3], "int32");
      backend.write(codes, backend.tensor(new Int32Array([7, 8, 9])));
      expectExact(await codes.read(), [7, 8, 9], [3], "write of int32");
    },
  ),
  trainingCase("optimizerStep: hundreds of steps without a read", async (backend) => {
    // Halves its distance to the target each time: exact in binary.
    const all = floats(backend, [64, 1, 1, -64]);
    const inner = backend.slice(all, 0, 1);
    const gradients = backend.zeros([1], "float32");
    for (let step = 0; step < 300; step++) {
      backend.write(gradients, inner);
      const update = { rule: "sgd", learningRate: 0.5, momentum: 0 } as const;
      backend.optimizerStep(inner, gradients, [], update);
      if (step === 299) backend.write(inner, floats(backend, [64]));
      if (step % 100 !== 99) continue;
      const left = await inner.read();
      expectClose(left, [step === 299 ? 64 : 64 * 2 ** -(step + 1)], () => 1e-30, [1], "halved");
    }
    expectExact(await all.read(), [64, 1, 1, -64], [4], "the rest of the storage");
  }),
];
