import { expect, it } from "vitest";
import { SHORT, smallRows, trainSmall } from "../test/small.js";
import { makePlan } from "./plan.js";
import { type Preset, PRESETS } from "./presets.js";
import { parseSpec } from "@tessera/core";

it.each(Object.entries<Preset>(PRESETS))("%s runs", async (_, { widths, settings }) => {
  const levels = Array.isArray(settings.balance) ? settings.balance.length : 3;
  const plan = makePlan({
    dimension: 6,
    // The same depth, an eighth of the width or less.
    widths: widths.map((width, i) => (i + 1 === widths.length ? 4 : Math.ceil(width / 128) + 4)),
    quantizer: parseSpec(`rq${levels}x4`),
    settings: { ...settings, steps: SHORT.steps!, warmup: 5, onCollapse: "report" },
    seed: 1,
  });
  const { health } = await trainSmall(plan, {}, smallRows());
  expect(health.relativeDistortion).toBeLessThan(2);
  expect(health.levels).toHaveLength(levels);
});
