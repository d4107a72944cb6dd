import { parseSpec } from "@tessera/core";
import { describe, expect, it } from "vitest";
import { commandOf, programOf } from "./reproduce.js";
import { DEFAULTS } from "./settings.js";

describe("how to repeat a run", () => {
  it.each([
    "vq16",
    "rq2x8",
    "pq2x4+sq8",
    "center>normalize>sign",
    "itq>sign",
    "ae(8,2)>vq4+vq4",
    "fsq(4,4)",
  ])("%s in a program: what it imports exists", async (spec) => {
    const program = programOf({ ...DEFAULTS, spec }, undefined, parseSpec(spec));
    const imports = [...program.matchAll(/^import \{ (.*) \} from "(@tessera\/.*)";$/gm)];
    expect(imports.length).toBeGreaterThan(2);
    for (const [, names, from] of imports) {
      const exported = Object.keys((await import(from!)) as object);
      expect(exported).toEqual(expect.arrayContaining(names!.split(", ")));
    }
    expect(program).toContain(`quantizers.fit(${JSON.stringify(spec)}, rows`);
  });

  it("in a command: a shell takes it as it is meant", () => {
    const settings = { ...DEFAULTS, spec: "ae(8,2)>vq4", data: "digits" as const };
    expect(commandOf(settings, undefined)).toContain("--spec 'ae(8,2)>vq4'");
    expect(commandOf(settings, undefined)).toContain("npx tessera fit digits.npy");
    expect(commandOf(settings, undefined)).toContain(`--training '{"steps":2000,`);
  });
});
