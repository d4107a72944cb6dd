import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNpy } from "@tessera/io/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BenchCase } from "./case.js";
import type { Contender, Standing } from "./contenders.js";
import { DataFiles } from "./data.js";
import { fakeContender, WELL_BEHAVED } from "./testing/fake-contender.js";
import type { CaseReport } from "./results.js";
import { runCase } from "./run.js";

const ROWS = { source: "synthetic", rows: 30, cols: 4 } as const;

describe("runCase", () => {
  let folder: string;
  let report: CaseReport;
  let log: string[];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tessera-bench-test-"));
    const answer = join(folder, "answer.npy");
    await writeNpy(answer, new Int32Array(ROWS.rows), [ROWS.rows, 1]);
    const logFile = join(folder, "log.txt");
    const standing = (name: string, diesAt: string): Standing => ({
      launch: fakeContender(WELL_BEHAVED, name, logFile, diesAt, answer),
      greeting: { name, details: [], startBytes: 1 },
    });
    const benchmark: BenchCase = {
      name: "fake",
      title: "fake",
      kind: "anything",
      rows: ROWS,
      codebookSize: 3,
      outcome: "codes",
      reference: "a",
      limitSeconds: 60,
      entries: ["a", "b", "dies", "missing"].map((contender) => ({ contender })),
    };
    report = await runCase(benchmark, {
      contenders: ["a", "b", "dies", "missing"].map(contenderNamed),
      standings: new Map([
        ["a", standing("a", "never")],
        ["b", standing("b", "never")],
        ["dies", standing("dies", "run")],
        ["missing", { skipped: "there is no Python" }],
      ]),
      data: new DataFiles(folder, folder, folder),
      temporary: folder,
      rounds: 3,
      signal: new AbortController().signal,
    });
    log = readFileSync(logFile, "utf8").trim().split("\n");
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it("lets contenders take turns, after a warm-up", () => {
    const runs = log.filter((line) => line.endsWith(" run") && !line.startsWith("dies"));
    expect(runs).toEqual(Array.from({ length: 4 }, () => ["a run", "b run"]).flat());
  });

  it("keeps the median of each turn, the memory and the quality", () => {
    const [a, b] = report.entries;
    expect(a).toMatchObject({ entry: "a", seconds: [2, 2, 2], peakBytes: 42 });
    expect(a?.quality).toBeGreaterThan(0);
    expect(b?.quality).toBe(a?.quality);
  });

  it("goes on without one that dies or does not start, and says why", () => {
    expect(report.entries[2]?.problem).toBe("the process ended with status 3; Error: out of luck");
    expect(report.entries[2]?.seconds).toBeUndefined();
    expect(report.entries[3]?.problem).toMatch(/^skipped: /);
  });

  function contenderNamed(id: string): Contender {
    return { id, title: id, runs: "tessera", driver: "none" };
  }
});
