import { describe, expect, it } from "vitest";
import { median } from "./statistics.js";

describe("median", () => {
  it("is the middle of an odd number of values, whatever their order", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 9, 100])).toBe(10);
  });

  it("is the mean of the middle two of an even number", () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  it("leaves its input alone, and refuses to make up a value", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
    expect(() => median([])).toThrow(RangeError);
  });
});
