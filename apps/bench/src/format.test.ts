import { describe, expect, it } from "vitest";
import { bytesText, durations, figure, percent, rateText, times } from "./format.js";

describe("figures", () => {
  it.each([
    [0.01234, "0.0123"],
    [1.234, "1.23"],
    [45.67, "45.7"],
    [789.4, "789"],
    [12_345, "12,345"],
    [0, "0"],
    [1.5e-9, "1.50e-9"],
  ])("%d is %s", (value, text) => expect(figure(value)).toBe(text));

  it("give durations the unit of the first", () => {
    expect(durations([0.0123, 0.0119, 1.5])).toEqual({
      texts: ["12.3", "11.9", "1,500"],
      unit: "ms",
    });
    expect(durations([2, 0.5]).unit).toBe("s");
    expect(durations([2e-6]).unit).toBe("µs");
  });

  it("have units that people know", () => {
    expect(rateText(2.85e11, "FLOP")).toBe("285 GFLOP/s");
    expect(rateText(2.13e10, "B")).toBe("21.3 GB/s");
    expect(rateText(2.3e6, "row")).toBe("2.30 Mrow/s");
    expect(bytesText(81_234_567)).toBe("81 MB");
    expect(bytesText(1.234e9)).toBe("1.23 GB");
    expect(percent(0.914)).toBe("91 %");
    expect(times(9.34)).toBe("9.34×");
  });
});
