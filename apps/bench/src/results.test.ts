import { describe, expect, it } from "vitest";
import { joinReports, medianSeconds, rate, type Report, speedRatio } from "./results.js";
import { caseReport, entryReport } from "./testing/reports.js";

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

describe("joinReports", () => {
  const machine = { processor: "P", cores: 2, memory: "8 GiB", system: "S", node: "N" };
  const report = (names: readonly string[], values: Partial<Report> = {}): Report => ({
    date: "2026-01-01",
    machine,
    threads: 2,
    rounds: 5,
    quick: false,
    contenders: [{ id: "native", title: names.join() }],
    cases: names.map((name) => caseReport(name, [], { title: names.join() })),
    ...values,
  });

  it("adds cases, and takes the later of two of a name", () => {
    const { cases, contenders, date } = joinReports(
      report(["a", "b"]),
      report(["b", "c"], { date: "2026-01-02" }),
    );
    expect(cases.map(({ name, title }) => [name, title])).toEqual([
      ["a", "a,b"],
      ["b", "b,c"],
      ["c", "b,c"],
    ]);
    expect(contenders).toEqual([{ id: "native", title: "b,c" }]);
    expect(date).toBe("2026-01-02");
  });

  it("refuses figures that were not measured alike", () => {
    expect(() => joinReports(report(["a"]), report(["b"], { threads: 1 }))).toThrow(RangeError);
    const other = { ...machine, processor: "Q" };
    expect(() => joinReports(report(["a"]), report(["b"], { machine: other }))).toThrow(/another/);
  });
});
