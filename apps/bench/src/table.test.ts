import { describe, expect, it } from "vitest";
import { entryReport, caseReport } from "./testing/reports.js";
import { formatCase, formatContenders, formatVerdicts, wrap } from "./table.js";

const flops = { amount: 6.5e9, unit: "FLOP" } as const;
const report = caseReport(
  "assign-256",
  [
    entryReport("numpy/sgemm", {
      title: "sgemm (NumPy)",
      isCeiling: true,
      seconds: [0.02],
      work: flops,
    }),
    entryReport("native", {
      title: "Tessera native",
      seconds: [0.0222, 0.0219, 0.0231],
      work: flops,
      ceiling: "numpy/sgemm",
      quality: 209.19412,
      peakBytes: 123e6,
    }),
    entryReport("faiss", {
      seconds: [0.2, 0.222, 0.3],
      work: flops,
      quality: 209.19412,
      peakBytes: 1.5e9,
    }),
    entryReport("torch", { title: "PyTorch", problem: `killed ${"by something ".repeat(12)}` }),
  ],
  { notes: ["Something that the reader must know."] },
);

describe("formatCase", () => {
  const lines = formatCase(report).split("\n");

  it("shows time, rate, ratio, share of the ceiling, quality and memory of each", () => {
    const native = lines.find((line) => line.startsWith("Tessera native"));
    expect(native?.split(/ {2,}/)).toEqual([
      "Tessera native",
      "22.2 ms",
      "21.9–23.1",
      "293 GFLOP/s",
      "10.0×",
      "90 %",
      "209.194",
      "123 MB",
    ]);
  });

  it("gives a ceiling no ratio, and the reference 1", () => {
    expect(lines.find((line) => line.startsWith("sgemm"))).not.toContain("×");
    expect(lines.find((line) => line.startsWith("faiss"))).toContain("1.00×");
  });

  it("says why a contender has no times", () => {
    expect(lines.find((line) => line.startsWith("PyTorch"))).toContain("killed by something");
  });

  it("fits 100 columns", () => {
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it("tells of models that name rows one by one, and how far apart they are", () => {
    const seeds = [0.08, 0.09].map((quality, seed) =>
      entryReport(`seed ${seed}`, {
        seconds: [100 + seed],
        quality,
        codes: { distinct: 0.98 + 0.01 * seed, leastUsage: 1 },
      }),
    );
    const text = formatCase(caseReport("named", seeds)).replaceAll(/\s+/g, " ");
    expect(text).toContain("seed 1: 0.9900 of the rows have codes of their own; 1.000 of the");
    expect(text).toContain(
      "distortion 0.0800 / 0.0850 / 0.0900; distinct 0.9800 / 0.9850 / 0.9900; seconds 100 / 101 / 101",
    );
  });

  it("says why a case did not run", () => {
    const skipped = formatCase({ ...report, entries: [], skipped: "there is no data" });
    expect(skipped).toContain("skipped: there is no data");
  });
});

describe("lists", () => {
  it("wrap between words, indented", () => {
    const lines = wrap(`a ${"word ".repeat(40)}`.trim(), 3);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    expect(lines[1]).toMatch(/^ {3}word/);
    expect(wrap("x".repeat(250)).join("").replaceAll(" ", "")).toBe("x".repeat(250));
  });

  it("show contenders and what they compute with", () => {
    const text = formatContenders([
      { id: "faiss", title: "faiss", name: "faiss 1.15", details: ["AVX512"], startBytes: 45e6 },
      { id: "torch", title: "PyTorch", skipped: "there is no Python" },
    ]);
    expect(text).toContain("faiss 1.15; AVX512; 45 MB before any data");
    expect(text).toMatch(/PyTorch +skipped: there is no Python/);
  });

  it("show verdicts", () => {
    const verdict = { case: "signs", target: "native ≥ 4× faiss", measured: "3.00×" };
    const text = formatVerdicts([
      { ...verdict, met: true },
      { ...verdict, met: false },
      { ...verdict, met: undefined },
    ]);
    expect(text.split("\n").map((line) => line.split(" ")[0])).toEqual(["met", "missed", "?"]);
  });
});
