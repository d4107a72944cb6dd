import { createReferenceBackend, gaussianMatrix } from "@tessera/backend-testkit";
import {
  ArgumentError,
  BackendError,
  expectNoLeaks,
  FormatError,
  type Matrix,
  NonFiniteError,
  parseSpec,
  ShapeError,
  trainingBackend,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { DIMENSION, ROWS, SHORT, smallPlan, trainSmall } from "../test/small.js";
import { fitRqvae } from "./fit.js";
import { makePlan, temperatureAt } from "./plan.js";
import { resolveSettings, type TrainingSettings } from "./settings.js";
import type { Trained } from "./train.js";

/** Rows that differ most in their first four columns. */
function unevenRows(): Matrix {
  const matrix = gaussianMatrix(ROWS, DIMENSION, { seed: 8 });
  matrix.data.forEach((value, i) => (matrix.data[i] = i % DIMENSION < 4 ? 3 * value : value));
  return matrix;
}

/** Classes of those rows, by the signs of their last two columns. */
const CLASSES = Array.from({ length: ROWS }, (_, row) => {
  const [first, second] = unevenRows().data.subarray((row + 1) * DIMENSION - 2);
  return (first! > 0 ? 1 : 0) + (second! > 0 ? 2 : 0);
});

/** A second embedding of the rows: their class, in some dimension from 4. */
function classEmbedding(cols: number): Matrix {
  const data = new Float32Array(ROWS * cols);
  CLASSES.forEach((own, row) => (data[row * cols + own] = 2));
  return { data, rows: ROWS, cols };
}

function alignedPlan(settings: Partial<TrainingSettings>, cols: number) {
  const quantizer = parseSpec("rq2x8");
  const all = { ...SHORT, ...settings };
  return makePlan({
    dimension: DIMENSION,
    widths: [12, 4],
    quantizer,
    settings: all,
    seed: 11,
    alignment: cols,
  });
}

/** Share of the pairs of rows with the same first code that have the same class too. */
async function agreement(alignment: Matrix | undefined, settings: Partial<TrainingSettings>) {
  const options = { ...SHORT, ...settings, levels: 2, codebookSize: 8, widths: [12, 4] };
  const backend = createReferenceBackend();
  const rows = unevenRows();
  const model = await fitRqvae(rows, { ...options, alignment, backend, seed: 11 });
  const all = await model.encode(rows, { backend });
  const codes = Array.from({ length: ROWS }, (_, row) => all.row(row)[0]);
  let pairs = 0;
  let agreeing = 0;
  for (let a = 0; a < ROWS; a++) {
    for (let b = 0; b < a; b++) {
      if (codes[a] !== codes[b]) continue;
      pairs++;
      if (CLASSES[a] === CLASSES[b]) agreeing++;
    }
  }
  return agreeing / pairs;
}

const firstPerplexity = ({ health }: Trained): number => health.levels[0]!.perplexity;

describe("Gumbel-softmax", () => {
  it("ends with hard codes that reconstruct about as well as the straight-through estimator's", async () => {
    const run = { steps: 300, temperature: [0.5, 0.02] } as const;
    const mixed = await trainSmall(smallPlan({ ...run, estimator: "gumbel" }));
    const copied = await trainSmall(smallPlan(run));
    expect(mixed.health.relativeDistortion).toBeLessThan(1.3 * copied.health.relativeDistortion);
    expect(mixed.parameters).not.toEqual(copied.parameters);
  });

  it("lets its temperature fall geometrically over the steps with codebooks", () => {
    const plan = smallPlan({ estimator: "gumbel", temperature: [1, 0.01], steps: 61 });
    expect([30, 60, 90].map((step) => temperatureAt(step, plan))).toEqual([
      1,
      expect.closeTo(0.1, 12),
      expect.closeTo(0.01, 12),
    ]);
  });
});

describe("the entropy loss", () => {
  it("makes rows use their codewords more evenly", async () => {
    const settings = { steps: 150, codebooks: "gradient", commitment: 0.25 } as const;
    const without = await trainSmall(smallPlan(settings, "rq2x16"));
    const withIt = await trainSmall(
      smallPlan({ ...settings, entropy: 1, entropyTemperature: 0.3, diversity: 3 }, "rq2x16"),
    );
    expect(firstPerplexity(withIt)).toBeGreaterThan(firstPerplexity(without) + 0.5);
  });
});

describe("alignment", () => {
  it.each([
    ["by a map", 6],
    ["without one, in the latent's dimension", 4],
  ])("raises the agreement of codes with the second embedding, %s", async (_, cols) => {
    const settings = { pretraining: 200, steps: 200, learningRate: 0.01, alignmentWeight: 6 };
    const without = await agreement(undefined, settings);
    const withIt = await agreement(classEmbedding(cols), settings);
    expect(withIt).toBeGreaterThan(without + 0.15);
  });

  it("refuses a second embedding of other rows, or of what is not finite", async () => {
    const fewer = gaussianMatrix(ROWS - 1, 5);
    await expect(trainSmall(alignedPlan({}, 5), { alignment: fewer })).rejects.toThrow(ShapeError);
    const spoilt = gaussianMatrix(ROWS, 5);
    spoilt.data[12] = NaN;
    const run = trainSmall(alignedPlan({}, 5), { alignment: spoilt });
    await expect(run).rejects.toThrow(NonFiniteError);
    await expect(run).rejects.toMatchObject({ row: 2 });
  });

  it("takes the rows that are not held out", async () => {
    const plan = alignedPlan({ holdOut: 0.25 }, 5);
    const trained = await trainSmall(plan, { alignment: classEmbedding(5) });
    expect(trained.steps).toBe(90);
  });

  it("a checkpoint is of its second embedding, and goes on to the same bits", async () => {
    const plan = alignedPlan({ entropy: 0.1, estimator: "gumbel" }, 5);
    const alignment = classEmbedding(5);
    const saved: Uint8Array[] = [];
    const save = async (bytes: Uint8Array) => void saved.push(bytes);
    const whole = await trainSmall(plan, { alignment, checkpoint: { every: 20, save } });
    for (const resume of [saved[0]!, saved[2]!]) {
      const resumed = await trainSmall(plan, { alignment, resume });
      expect(resumed.parameters).toEqual(whole.parameters);
    }
    const resume = saved[0]!;
    const other = { ...alignment, data: alignment.data.map((value) => -value) };
    await expect(trainSmall(plan, { alignment: other, resume })).rejects.toThrow(FormatError);
    await expect(trainSmall(plan, { resume })).rejects.toThrow(FormatError);
  });
});

describe("all of them", () => {
  it("leave no tensors behind", async () => {
    const backend = trainingBackend(createReferenceBackend());
    const settings = { entropy: 0.1, estimator: "gumbel", codebooks: "projected" } as const;
    await expectNoLeaks(backend, () =>
      trainSmall(alignedPlan(settings, 5), { backend, alignment: classEmbedding(5) }),
    );
  });

  it.each([
    ["estimator", { estimator: "gumbel" }],
    ["entropy", { entropy: 0.1 }],
  ] as const)("%s needs kernels that a backend may lack", async (name, settings) => {
    const without = new Proxy(createReferenceBackend(), {
      get(target, property): unknown {
        const value: unknown = property === "softmax" ? undefined : Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const run = trainSmall(smallPlan(settings), { backend: trainingBackend(without) });
    await expect(run).rejects.toThrow(BackendError);
    await expect(run).rejects.toThrow(new RegExp(`^${name}.*needs softmax`));
  });

  it.each([
    { estimator: "gumbel", codebooks: "ema" },
    { temperature: [1, 0] },
    { temperature: [1] },
    { temperature: 0.5 },
    { entropy: -1 },
    { entropyTemperature: 0 },
    { diversity: Infinity },
    { alignmentWeight: NaN },
    { alignmentTemperature: 0 },
  ])("settings out of range are refused: %j", (settings) => {
    expect(() => resolveSettings(settings as unknown as Partial<TrainingSettings>)).toThrow(
      ArgumentError,
    );
  });
});
