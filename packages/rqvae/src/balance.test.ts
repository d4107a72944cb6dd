import { clusteredMatrix, createReferenceBackend } from "@tessera/backend-testkit";
import { ArgumentError, BackendError, trainingBackend, type TrainingBackend } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { smallPlan, trainSmall } from "../test/small.js";
import { initialParameters } from "./initial.js";
import { valuesOf } from "./layout.js";
import { PRESETS } from "./presets.js";
import { initialState, Trainer } from "./trainer.js";

const backend = trainingBackend(createReferenceBackend());
const ROWS = 64;

/** Rows of each code of the first level that a step gives, with all codewords but one far away. */
async function countsOf(balance: number, on: TrainingBackend = backend): Promise<number[]> {
  const plan = smallPlan({ balance, codebooks: "ema", decay: 0 }, "vq4");
  const parameters = initialParameters(plan);
  const books = valuesOf(parameters, plan.layout, "codebooks");
  books.set(books.map((_, i) => (i < plan.latent ? 0 : 3 + (i % 5))));
  const trainer = new Trainer(on, plan, initialState(plan, parameters));
  const { data } = clusteredMatrix(ROWS, plan.dimension, { seed: 5, spread: 0.5 });
  trainer.train(on.tensor(data, [ROWS, plan.dimension]), 1);
  const { usage } = await trainer.read();
  trainer.dispose();
  return Array.from(usage);
}

describe("balanced assignment", () => {
  it("shares a step's rows out among codewords, one of which is nearest to them all", async () => {
    expect(await countsOf(0)).toEqual([ROWS, 0, 0, 0]);
    const counts = await countsOf(0.003);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(ROWS / 8);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(ROWS);
  });

  it("keeps more of the codebooks in use where most rows are alike", async () => {
    const rows = clusteredMatrix(160, 6, { seed: 9, spread: 0.3 });
    // Nine rows in ten are close together.
    for (let i = 16 * 6; i < rows.data.length; i++) rows.data[i]! *= 0.2;
    const perplexities = async (balance: number): Promise<readonly number[]> => {
      const { health } = await trainSmall(
        smallPlan({ balance, batchSize: 64, pretraining: 0, steps: 120, commitment: 1 }),
        {},
        rows,
      );
      return health.levels.map(({ perplexity }) => perplexity);
    };
    const [nearest, balanced] = [await perplexities(0), await perplexities(0.01)];
    balanced.forEach((value, l) => expect(value).toBeGreaterThan(1.2 * nearest[l]!));
  });

  it("takes one ε for all levels or one for each, and refuses others", () => {
    for (const balance of [0.1, [0, 0.003]]) {
      expect(smallPlan({ balance }).settings.balance).toEqual(balance);
    }
    for (const balance of [-1, 1e-5, [0.1], [0.1, 0.1, 0.1], [0, NaN], "much" as never]) {
      expect(() => smallPlan({ balance })).toThrow(ArgumentError);
    }
    expect(() => smallPlan({ balanceIterations: 0 })).toThrow(/balanceIterations/);
    expect(PRESETS.letter.settings.balance).toEqual([0, 0, 0, 0.003]);
  });

  it("says what it needs of a backend", async () => {
    const without: TrainingBackend = Object.create(backend, {
      balancedAssign: { value: undefined },
    });
    await expect(countsOf(0.1, without)).rejects.toThrow(/no balancedAssign, which balance needs/);
    const before = trainSmall(smallPlan({ balance: 0.1 }), { backend: without });
    await expect(before).rejects.toThrow(BackendError);
    expect(await countsOf(0, without)).toEqual([ROWS, 0, 0, 0]);
  });
});
