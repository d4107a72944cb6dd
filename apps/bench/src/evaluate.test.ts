import { describe, expect, it } from "vitest";
import { evaluateTargets } from "./evaluate.js";
import { caseReport, entryReport } from "./testing/reports.js";
import type { Condition, Target } from "./targets.js";

const report = caseReport("assign-256", [
  entryReport("sgemm", { seconds: [0.95], isCeiling: true }),
  entryReport("native", { seconds: [1], quality: 100, peakBytes: 50e6, ceiling: "sgemm" }),
  entryReport("faiss", { seconds: [9], quality: 100, peakBytes: 60e6 }),
  entryReport("faiss-tuned", { seconds: [4], quality: 99, peakBytes: 40e6 }),
  entryReport("torch", { problem: "skipped: it does not start here" }),
]);

function verdictOn(...oneOf: Condition[]) {
  const target: Target = { cases: "assign-.*", oneOf };
  return evaluateTargets([target], [report])[0];
}

const faiss = ["faiss", "faiss-tuned"];

it("judges a model that names rows by bounds of its own", () => {
  const codes = { distinct: 0.985, leastUsage: 0.94 };
  const named = caseReport("rqvae", [
    entryReport("native/seed 0", { seconds: [120], quality: 0.0875, codes }),
  ]);
  const verdict = (measure: Condition["measure"], bound: Partial<Condition>) =>
    evaluateTargets(
      [{ cases: "rqvae", oneOf: [{ measure, entry: "native/seed 0", against: [], ...bound }] }],
      [named],
    )[0];
  expect(verdict("seconds", { atMost: 300 })).toMatchObject({ measured: "120 s", met: true });
  expect(verdict("distortion", { atMost: 0.15 })).toMatchObject({ measured: "0.0875", met: true });
  expect(verdict("distinct", { atLeast: 0.97 })?.met).toBe(true);
  expect(verdict("usage", { atLeast: 0.95 })).toMatchObject({
    target: "native/seed 0: codewords in use ≥ 0.95",
    met: false,
  });
});

describe("evaluateTargets", () => {
  it("compares speed with the fastest of the others", () => {
    const condition: Condition = { measure: "speed", entry: "native", against: faiss, atLeast: 4 };
    expect(verdictOn(condition)).toEqual({
      case: "assign-256",
      target: "native ≥ 4× faiss",
      measured: "4.00×",
      met: true,
    });
    expect(verdictOn({ ...condition, atLeast: 4.01 })?.met).toBe(false);
  });

  it("compares quality and memory with the best of the others", () => {
    const quality: Condition = {
      measure: "quality",
      entry: "native",
      against: faiss,
      atMost: 1.001,
    };
    expect(verdictOn(quality)).toMatchObject({ measured: "1.0101×", met: false });
    const memory: Condition = { measure: "memory", entry: "native", against: faiss, atMost: 1 };
    expect(verdictOn(memory)).toMatchObject({ measured: "1.25×", met: false });
  });

  it("compares an entry with its own ceiling, and its memory with bytes", () => {
    const ceiling: Condition = { measure: "ceiling", entry: "native", against: [], atLeast: 0.9 };
    expect(verdictOn(ceiling)).toMatchObject({ measured: "95.0 %", met: true });
    const bytes: Condition = { measure: "bytes", entry: "native", against: [], atMost: 60e6 };
    expect(verdictOn(bytes)).toMatchObject({ measured: "50 MB", met: true });
  });

  it("is content if one of several conditions holds", () => {
    const speed: Condition = { measure: "speed", entry: "native", against: faiss, atLeast: 5 };
    const ceiling: Condition = { measure: "ceiling", entry: "native", against: [], atLeast: 0.7 };
    expect(verdictOn(speed, ceiling)).toMatchObject({ measured: "4.00× or 95.0 %", met: true });
  });

  it("says nothing about what was not measured", () => {
    const against = ["torch", "sklearn"];
    const condition: Condition = { measure: "speed", entry: "native", against, atLeast: 1 };
    expect(verdictOn(condition)).toMatchObject({ measured: "not measured", met: undefined });
  });

  it("passes over cases that did not run or that it does not name", () => {
    const target: Target = {
      cases: "assign-256",
      oneOf: [{ measure: "speed", entry: "native", against: faiss, atLeast: 1 }],
    };
    const others = [caseReport("assign-2560", []), { ...report, skipped: "there is no data" }];
    expect(evaluateTargets([target], others)).toEqual([]);
  });
});
