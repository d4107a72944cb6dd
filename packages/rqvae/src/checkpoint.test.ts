import { FormatError } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { smallPlan, trainSmall } from "../test/small.js";
import type { TrainingSettings } from "./settings.js";

/** A run that keeps all its checkpoints. */
async function recorded(settings: Partial<TrainingSettings>) {
  const saved: Uint8Array[] = [];
  const plan = smallPlan(settings);
  const save = async (bytes: Uint8Array) => void saved.push(bytes);
  const whole = await trainSmall(plan, { checkpoint: { every: 7, save } });
  return { plan, saved, whole };
}

describe("a run that goes on from a checkpoint", () => {
  it.each([
    ["by default", {}],
    ["with averages and dropout", { codebooks: "ema", dropout: 0.2 }],
    ["with targets and held-out rows", { separation: 3, holdOut: 0.2, patience: 4 }],
    ["with level dropout and maps", { levelDropout: 0.5, codebooks: "projected" }],
    ["with momentum and clipping", { optimizer: "sgd", learningRate: 1e-3, clip: 1 }],
  ] as const)("ends as the unbroken run did: %s", async (_, settings) => {
    const { plan, saved, whole } = await recorded(settings);
    expect(saved.length).toBeGreaterThan(5);
    // Before codebooks start, just when they do, and at reviews.
    for (const bytes of [saved[0]!, saved[3]!, saved[4]!, saved[6]!, saved.at(-1)!]) {
      const resumed = await trainSmall(plan, { resume: bytes });
      expect(resumed.parameters).toEqual(whole.parameters);
      expect(resumed.codebooks).toEqual(whole.codebooks);
      expect(resumed.health).toEqual(whole.health);
    }
  });
});

describe("a checkpoint is refused", () => {
  it("by a run with other settings, seed or rows", async () => {
    const { plan, saved } = await recorded({});
    const resume = saved[0]!;
    for (const other of [smallPlan({ commitment: 0.3 }), { ...plan, seed: 5 }]) {
      await expect(trainSmall(other, { resume })).rejects.toThrow(/other rows, spec, settings/);
    }
    const rows = { data: new Float32Array(96 * 6).fill(1), rows: 96, cols: 6 };
    await expect(trainSmall(plan, { resume }, rows)).rejects.toThrow(FormatError);
  });

  it("if it is cut short, or something else", async () => {
    const { plan, saved } = await recorded({});
    for (const resume of [saved[0]!.subarray(0, 100), new Uint8Array(20)]) {
      await expect(trainSmall(plan, { resume })).rejects.toThrow(FormatError);
    }
  });
});
