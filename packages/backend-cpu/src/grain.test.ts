import { describe, expect, it } from "vitest";
import { grainOf, sharedGrainOf } from "./grain.js";

describe("a command's grain", () => {
  it("gives each thread a block where one block would hold enough work for all", () => {
    const operations = 8000;
    expect(grainOf(operations)).toBeGreaterThan(64);
    expect(sharedGrainOf(2, 64, operations)).toBe(32);
    expect(sharedGrainOf(2, 64, operations, 12)).toBe(36);
    expect(sharedGrainOf(1, 64, operations)).toBe(64);
  });

  it("is never coarser than without sharing", () => {
    expect(sharedGrainOf(2, 1_000_000, 32, 64)).toBe(grainOf(32, 64));
  });

  it("leaves work together that is done before another thread has it", () => {
    expect(sharedGrainOf(2, 64, 100)).toBe(grainOf(100));
  });
});
