import { resolveSettings } from "@tessera/rqvae";
import { describe, expect, it } from "vitest";
import { fileOf, WAYS } from "./settings.js";
import { tableOf } from "./table.js";

describe("the ways to train", () => {
  it("have names and files of their own", () => {
    expect(new Set(WAYS.map(({ name }) => name)).size).toBe(WAYS.length);
    expect(new Set(WAYS.map(fileOf)).size).toBe(WAYS.length);
  });

  it.each(WAYS.map((way) => [way.name, way] as const))("%s is one", (_, { settings }) => {
    expect(() => resolveSettings(settings)).not.toThrow();
  });
});

it("shows figures, problems, and nothing of what is not known", () => {
  const task = { spec: "rqvae3x256", settings: {}, seed: 0 };
  const outcome = { distortion: 0.08751, distinct: 0.9853, leastUsage: 1, seconds: 118 };
  const heldOut = { ...outcome, distortion: 0.3204 };
  const ways = ["short runs", "clip: 1", "activation: silu"].map((name) => ({
    name,
    settings: {},
  }));
  const [first, second, third] = ways;
  const table = tableOf([
    { way: first!, figures: { task, engine: "", whole: outcome, heldOut } },
    { way: second!, figures: undefined },
    { way: third!, figures: { task, engine: "", problem: "codebooks collapsed" } },
  ]);
  expect(table.split("\n").slice(2)).toEqual([
    "| short runs | 0.0875 | 0.985 | 1.000 | 0.320 | 118 |",
    "| `activation: silu` | codebooks collapsed |  |  |  |  |",
  ]);
});
