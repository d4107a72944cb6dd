import { describe, expect, it } from "vitest";
import { renderMarkdown } from "./markdown.js";
import { caseReport, entryReport } from "./testing/reports.js";
import type { Report } from "./results.js";

const report: Report = {
  date: "2031-05-06T07:08:09.000Z",
  machine: { processor: "P", cores: 2, memory: "8 GiB", system: "Linux 6", node: "v20.19.0" },
  threads: 2,
  rounds: 5,
  quick: false,
  contenders: [
    { id: "native", title: "Tessera native", name: "Tessera", details: ["a|b"], startBytes: 5e7 },
  ],
  cases: [
    caseReport("assign-256", [
      entryReport("native", { title: "Tessera native", seconds: [1], quality: 2, peakBytes: 1e6 }),
      entryReport("faiss", { seconds: [3], quality: 2, peakBytes: 2e6 }),
      entryReport("torch", { problem: "died" }),
    ]),
    caseReport("assign-1024", [], { skipped: "no data" }),
  ],
};

describe("renderMarkdown", () => {
  const text = renderMarkdown(report);

  it("names the machine, the day and the rounds", () => {
    expect(text).toContain("P, 2 cores, 8 GiB; Linux 6, Node v20.19.0; 2031-05-06.");
    expect(text).toContain("2 threads each, medians of 5 alternating rounds.");
  });

  it("has a table for each case, with every line as wide as its head", () => {
    expect(text).toContain("### `assign-256`");
    expect(text).toContain(
      "| Tessera native | 1.00 s | 1.00–1.00 |  | 3.00× |  | 2.00000 | 1 MB |",
    );
    const columns = (line: string) => line.replaceAll("\\|", "").split("|").length;
    const blocks = text.split("\n\n").filter((block) => block.startsWith("|"));
    for (const block of blocks) {
      expect(new Set(block.trim().split("\n").map(columns)).size).toBe(1);
    }
  });

  it("holds the targets against the figures, and lists what was skipped", () => {
    expect(text).toContain("| native ≥ 7× faiss | `assign-256` | 3.00× | **missed** |");
    expect(text).toContain("- `assign-1024` was skipped: no data");
    expect(text).toContain("a\\|b");
  });
});
