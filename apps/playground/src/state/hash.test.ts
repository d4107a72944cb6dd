import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashOf, settingsFrom } from "./hash.js";
import {
  BACKENDS,
  DEFAULTS,
  EMBEDS,
  MAPS,
  SAMPLES,
  type Settings,
  SHAPES,
  SPEEDS,
} from "./settings.js";

const settings: fc.Arbitrary<Settings> = fc.record({
  data: fc.constantFrom(...SHAPES, ...SAMPLES, "file" as const),
  points: fc.integer({ min: 50, max: 10_000 }),
  spec: fc.string({ minLength: 1 }),
  seed: fc.nat(),
  iterations: fc.integer({ min: 1, max: 200 }),
  steps: fc.integer({ min: 10, max: 50_000 }),
  pretraining: fc.nat(10_000),
  batchSize: fc.integer({ min: 1, max: 4096 }),
  learningRate: fc.double({ min: 1e-6, max: 1, noNaN: true }),
  separation: fc.double({ min: 0, max: 100, noNaN: true }).map((value) => value + 0),
  backend: fc.constantFrom(...BACKENDS),
  speed: fc.constantFrom(...SPEEDS),
  level: fc.nat(4095),
  map: fc.constantFrom(...MAPS),
  embed: fc.constantFrom(...EMBEDS),
});

describe("the address", () => {
  it("gives back the settings that it was made of", () => {
    fc.assert(
      fc.property(settings, (given) => {
        expect(settingsFrom(`#${hashOf(given)}`)).toEqual(given);
      }),
    );
  });

  it("can be read, and leaves out what is at its default", () => {
    expect(hashOf({ ...DEFAULTS, spec: "ae(32,2)>vq8+vq8" })).toBe(
      "data=moons&spec=ae(32,2)>vq8+vq8&seed=1",
    );
  });

  it("takes nonsense for nothing", () => {
    expect(
      settingsFrom("#data=coffee&points=1e9&seed=-1&spec=%&backend=quantum&level=half&map=globe"),
    ).toEqual(DEFAULTS);
    expect(settingsFrom("")).toEqual(DEFAULTS);
  });
});
