import { describe, expect, it } from "vitest";
import { medianSeconds, rate, speedRatio } from "./results.js";
import { entryReport } from "./testing/reports.js";

const rows = (amount: number) => ({ amount, unit: "row" }) as const;

describe("rates and ratios", () => {
  it("go by the median", () => {
    const entry = entryReport("a", { seconds: [5, 1, 2], work: rows(10) });
    expect(medianSeconds(entry)).toBe(2);
    expect(rate(entry)).toBe(5);
  });

  it("compare times where the work is the same", () => {
    const [fast, slow] = [entryReport("a", { seconds: [1] }), entryReport("b", { seconds: [8] })];
    expect(speedRatio(fast, slow)).toBe(8);
    expect(speedRatio(slow, fast)).toBe(1 / 8);
  });

  it("compare work done in a second where it is not", () => {
    const long = entryReport("a", { seconds: [10], work: rows(1000) });
    const short = entryReport("b", { seconds: [1], work: rows(100) });
    expect(speedRatio(long, short)).toBe(1);
  });

  it("are unknown where a side was not measured", () => {
    const measured = entryReport("a", { seconds: [1] });
    expect(speedRatio(measured, entryReport("b", { problem: "it died" }))).toBeUndefined();
    expect(speedRatio(undefined, measured)).toBeUndefined();
  });
});
