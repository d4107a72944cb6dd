import { describe, expect, it } from "vitest";
import type { Result } from "../engine/protocol.js";
import { distinctCodes, usageOf } from "./usage.js";

const result = {
  codes: Uint32Array.of(0, 1, 0, 1, 2, 1, 2, 0),
  rows: 4,
  cardinalities: [3, 2],
} as unknown as Result;

describe("usage", () => {
  it("counts the codes of each column", () => {
    const [first, second] = usageOf(result);
    expect(first).toMatchObject({ size: 3, used: 2, counts: Uint32Array.of(2, 2, 0) });
    expect(first!.perplexity).toBeCloseTo(2);
    expect(second!.counts).toEqual(Uint32Array.of(3, 1));
    expect(second!.perplexity).toBeCloseTo(
      Math.exp(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25)),
    );
  });

  it("counts rows that share their codes once", () => {
    expect(distinctCodes(result)).toBe(3);
  });
});
