import { BACKEND_NAMES } from "@tessera/backend";
import { displayWidth } from "@tessera/semantic-ids";
import { describe, expect, it } from "vitest";
import { tessera } from "../../test/harness.js";

interface Findings {
  readonly node: string;
  readonly backend: { readonly threads: number };
  readonly assignGflops: number;
  readonly others: readonly {
    readonly name: string;
    readonly problem?: string;
    readonly assignGflops?: number;
  }[];
  readonly missing: readonly { readonly name: string; readonly command: string }[];
}

async function findings(...options: string[]): Promise<Findings> {
  const { code, out, err } = await tessera(["doctor", "--json", ...options]);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out) as Findings;
}

describe("doctor", () => {
  it("measures the backend that is named, and no other", async () => {
    const { node, backend, assignGflops, others } = await findings(
      "--backend",
      "cpu",
      "--threads",
      "1",
    );
    expect(node).toBe(process.versions.node);
    expect(backend.threads).toBe(1);
    expect(assignGflops).toBeGreaterThan(0);
    expect(others).toEqual([]);
  });

  it("measures the other backends too, or has a command for those that do not start", async () => {
    const { others, missing } = await findings();
    expect(others.map(({ name }) => name)).toEqual(BACKEND_NAMES.filter((name) => name !== "cpu"));
    for (const { name, problem, assignGflops } of others) {
      if (problem === undefined) expect(assignGflops).toBeGreaterThan(0);
      else expect(missing.find((entry) => entry.name === name)?.command).toMatch(/\w/);
    }
  });

  it("keeps to a narrow terminal, but for commands to be copied", async () => {
    const env = { NO_COLOR: "1" };
    const { out } = await tessera(["doctor", "--backend", "cpu"], { columns: 40, env });
    expect(out).toMatch(/speed +[\d.]+ GFLOP\/s/);
    const wide = out.split("\n").filter((line) => displayWidth(line) > 40);
    expect(wide.filter((line) => !/^ {2}(npx|npm|apt-get|[A-Z_]+=)/.test(line))).toEqual([]);
  });
});
