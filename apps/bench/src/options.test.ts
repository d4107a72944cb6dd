import { describe, expect, it } from "vitest";
import { parseOptions } from "./options.js";

describe("parseOptions", () => {
  it("has defaults: at least five rounds, all cores", () => {
    const options = parseOptions([]);
    expect(options.rounds).toBeGreaterThanOrEqual(5);
    expect(options.threads).toBeGreaterThanOrEqual(1);
    expect(options).toMatchObject({ quick: false, list: false, help: false });
  });

  it("reads what it is given", () => {
    const args = ["--only", "assign", "--rounds", "7", "--threads", "3", "--json", "out.json"];
    expect(parseOptions(args)).toMatchObject({
      only: "assign",
      rounds: 7,
      threads: 3,
      json: "out.json",
    });
  });

  it("refuses fewer rounds than tell anything, except to try the bench", () => {
    expect(() => parseOptions(["--rounds", "4"])).toThrow("--rounds is 4; it must be");
    expect(parseOptions(["--quick", "--rounds", "1"]).rounds).toBe(1);
    expect(() => parseOptions(["--threads", "two"])).toThrow("--threads is two");
    expect(() => parseOptions(["--fast"])).toThrow(TypeError);
  });
});
