import { createReferenceBackend } from "@tessera/backend-testkit";
import {
  AbortedError,
  expectNoLeaks,
  matrix,
  NonFiniteError,
  trainingBackend,
} from "@tessera/core";
import { describe, expect, it } from "vitest";
import { smallPlan, trainSmall } from "../test/small.js";
import { findCollapse } from "./collapse.js";
import { TrainingError } from "./errors.js";
import type { TrainingSettings } from "./settings.js";
import type { TrainingEvent } from "./events.js";

/** The reviews and collapses of a run, which may fail. */
async function watch(...args: Parameters<typeof trainSmall>) {
  const events: TrainingEvent[] = [];
  const [plan, options, rows] = args;
  const result = await trainSmall(plan, { ...options, onEvent: (e) => events.push(e) }, rows).catch(
    (error: unknown) => error,
  );
  return { events, result };
}

describe("training", () => {
  it("lowers the distortion, keeps every codeword in use, and leaves nothing behind", async () => {
    const backend = trainingBackend(createReferenceBackend());
    const { events, result } = await expectNoLeaks(backend, () =>
      watch(smallPlan({ steps: 200 }), { backend }),
    );
    const reviews = events.filter((event) => event.kind === "review");
    const last = reviews.at(-1)!;
    expect(last.relativeDistortion).toBeLessThan(0.8 * reviews[0]!.relativeDistortion);
    expect(last.levels.map(({ usage }) => usage)).toEqual([1, 1]);
    expect(result).toMatchObject({ steps: 230, health: { distinct: last.distinct } });
    const steps = events.filter((event) => event.kind === "step");
    expect(steps.map(({ step }) => step)).toEqual(
      Array.from({ length: 23 }, (_, i) => 10 * i + 10),
    );
    expect(steps[0]!.quantization).toBe(0);
    expect(steps.at(-1)!.quantization).toBeGreaterThan(0);
  });

  it("gives the same bits twice, and others for another seed", async () => {
    const [first, second, other] = await Promise.all([
      trainSmall(smallPlan({ dropout: 0.1 })),
      trainSmall(smallPlan({ dropout: 0.1 })),
      trainSmall({ ...smallPlan({ dropout: 0.1 }), seed: 12 }),
    ]);
    expect(first.parameters).toEqual(second.parameters);
    expect(first.parameters).not.toEqual(other.parameters);
  });

  it.each([
    ["codebooks by averages", { codebooks: "ema" }],
    ["codebooks behind maps", { codebooks: "projected" }],
    ["the rotation trick", { estimator: "rotation" }],
    ["level dropout", { levelDropout: 0.5 }],
    ["a skip", { skip: true }],
    ["Adagrad", { optimizer: "adagrad", learningRate: 0.02 }],
    ["SGD", { optimizer: "sgd", learningRate: 1e-3, clip: 1 }],
    [
      "normalized rows",
      { reconstruction: "normalized", standardize: "none", onCollapse: "report" },
    ],
  ] as const)("learns with %s", async (_, settings) => {
    const { events } = await watch(smallPlan({ ...settings, steps: 120 }));
    const reviews = events.filter((event) => event.kind === "review");
    expect(reviews.at(-1)!.relativeDistortion).toBeLessThan(reviews[0]!.relativeDistortion);
  });

  it("separates rows that share their codes", async () => {
    const distinct = async (separation: number) =>
      (await trainSmall(smallPlan({ separation, steps: 400 }, "rq2x16"))).health.distinct;
    const [without, withIt] = [await distinct(0), await distinct(5)];
    expect(withIt).toBeGreaterThan(without + 0.02);
  });

  it("keeps the best state on held-out rows, and stops when there is none for long", async () => {
    const settings = { holdOut: 0.25, steps: 400, patience: 3, learningRate: 0.02 } as const;
    const { events, result } = await watch(smallPlan(settings));
    const review = events.find((event) => event.kind === "review");
    expect(review?.heldOut?.levels).toHaveLength(2);
    expect((result as { steps: number }).steps).toBeLessThan(430);
  });
});

describe("what goes wrong", () => {
  it("codebooks that collapse are an error with a remedy, or an event", async () => {
    // Two different rows, far from 0, for 32 codewords.
    const data = Float32Array.from(
      { length: 96 * 6 },
      (_, i) => 1 + 0.01 * (Math.floor(i / 6) % 2),
    );
    const rows = { data, rows: 96, cols: 6 };
    const settings = { standardize: "none" } as const;
    const { result, events } = await watch(smallPlan(settings, "rq2x32"), {}, rows);
    expect(result).toBeInstanceOf(TrainingError);
    expect((result as TrainingError).reason).toBe("collapsed");
    expect((result as TrainingError).hint).toMatch(/set standardize to "global"/);
    expect(events.at(-1)).toMatchObject({ kind: "collapse", cause: "unstandardized" });
    const reported = await watch(
      smallPlan({ ...settings, onCollapse: "report" }, "rq2x32"),
      {},
      rows,
    );
    expect(reported.result).toMatchObject({ steps: 90 });
  });

  it("each cause of a collapse has its remedy", () => {
    const health = {
      levels: [{ usage: 0.1, perplexity: 1.5, dead: 28, residualEnergy: 0.9 }],
      relativeDistortion: 1,
      distinct: 0.1,
      latentVariance: 1,
    };
    const input = { variance: 1, offset: 0 };
    const cause = (settings: Partial<TrainingSettings>, changed = {}) =>
      findCollapse({ ...health, ...changed }, smallPlan(settings, "vq32"), input, 96)?.cause;
    expect(cause({})).toBe("small-batch");
    expect(cause({ reduction: "mean" })).toBe("loss-scale");
    expect(cause({ commitment: 5 })).toBe("commitment");
    expect(cause({}, { latentVariance: 1e-9 })).toBe("commitment");
    expect(cause({ pretraining: 0 })).toBe("early-start");
    expect(cause({}, { levels: [{ ...health.levels[0], perplexity: 20 }] })).toBeUndefined();
  });

  it("training that diverges says so", async () => {
    const plan = smallPlan({ optimizer: "sgd", learningRate: 1e6 });
    await expect(trainSmall(plan)).rejects.toMatchObject({
      reason: "diverged",
      hint: /learningRate/,
    });
  });

  it("a row that is not finite is named", async () => {
    const rows = matrix([
      [1, 2, 3, 4, 5, 6],
      [1, NaN, 3, 4, 5, 6],
    ]);
    await expect(trainSmall(smallPlan(), {}, rows)).rejects.toThrow(NonFiniteError);
  });

  it("fewer rows than codewords are refused before any work", async () => {
    const few = trainSmall(smallPlan({ holdOut: 0.4 }, "rq2x64"));
    await expect(few).rejects.toThrow("64 codewords need as many rows to train on, not 58");
  });

  it("stops when it is told to", async () => {
    const signal = AbortSignal.abort();
    await expect(trainSmall(smallPlan(), { signal })).rejects.toThrow(AbortedError);
  });
});
