import { join } from "node:path";
import { displayWidth } from "@tessera/semantic-ids";
import { beforeAll, describe, expect, it } from "vitest";
import { filesIn, sampleRows, temporaryFolder, tessera, writeVectors } from "../../test/harness.js";

const folder = await temporaryFolder();
const at = (name: string) => join(folder, name);
const vectors = at("vectors.npy");
const ROWS = 400;
const WITHOUT_END = ["--budget", "1h"];

interface Report {
  readonly trials: readonly {
    readonly spec: string;
    readonly bytesPerVector: number;
    readonly reached: number;
    readonly recall: Readonly<Record<string, number>>;
    readonly front: boolean;
  }[];
  readonly recommended: string | null;
  readonly reason: string | null;
  readonly commands: readonly string[];
}

async function json(...argv: string[]): Promise<Report> {
  const { code, out, err } = await tessera([
    "recommend",
    vectors,
    ...argv,
    ...WITHOUT_END,
    "--json",
  ]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Report;
}

async function fails(argv: readonly string[], code: number, ...lines: string[]) {
  const result = await tessera(["recommend", ...argv]);
  expect(result.err.trimEnd().split("\n")).toEqual(lines);
  expect([result.code, result.out]).toEqual([code, ""]);
}

beforeAll(async () => {
  await writeVectors(vectors, sampleRows(ROWS, 16));
});

describe("recommend", () => {
  it("shows what it tried by size, marks what counts, and says how to go on", async () => {
    const { code, out, err } = await tessera(["recommend", vectors, "--bytes=4", ...WITHOUT_END], {
      env: { COLUMNS: "120" },
    });
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const lines = out.split("\n");
    expect(lines[0]).toMatch(
      /^vectors\.npy: \d+ quantizers tried in .+ on 360 × 16, with 40 queries held out$/,
    );
    const head = lines.findIndex((line) => /^ +bytes +recall@1 +@10 +@100 +distortion/.test(line));
    const rows = lines.slice(head + 1, lines.indexOf("", head + 1));
    expect(rows.filter((row) => row.startsWith("→"))).toHaveLength(1);
    const sizes = rows.map((row) => Number(/^[→• ] +(\d+) /.exec(row)?.[1]));
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4);
    expect(out).toContain("→ recommended; • nothing else is as small and finds as much\n");
    expect(out.replaceAll("\n", " ")).toMatch(
      / is recommended: of the \d+ tried it finds most within 4 bytes a vector, 0\.\d{3} of the 10 nearest, and takes \d bytes\./,
    );
    expect(out).toMatch(/^ {2}tessera fit \S+ --spec \S+ --out model\.safetensors$/m);
    expect(await filesIn(folder)).toEqual(["vectors.npy"]);
  });

  it.each([120, 80, 60, 40])("fits %i columns", async (columns) => {
    const argv = ["recommend", vectors, "--bytes=4", "--rescore=2", ...WITHOUT_END];
    const { out } = await tessera(argv, { columns, env: { NO_COLOR: "1" } });
    const wide = out.split("\n").filter((line) => displayWidth(line) > columns);
    // A long spec, or a word of a command, is not broken.
    expect(wide.filter((line) => !/(\)|^ {2,6}\S+|npy)$/.test(line.replace(/ \\$/, "")))).toEqual(
      [],
    );
    expect(out).toMatch(/ 10 of 20 /);
    expect(out.includes("queries/s")).toBe(columns >= 80);
  });

  it("gives the same figures as JSON for the same seed", async () => {
    const once = await json("--bytes=8", "--seed=3");
    const kept = ({ trials }: Report) =>
      trials.map(({ spec, bytesPerVector, reached, recall, front }) => ({
        spec,
        bytesPerVector,
        reached,
        recall,
        front,
      }));
    expect(kept(await json("--bytes=8", "--seed=3"))).toEqual(kept(once));
    expect(once).toMatchObject({
      rows: ROWS,
      dimension: 16,
      searched: 360,
      learned: 360,
      queries: 40,
      k: 10,
      metric: "l2",
      seed: 3,
      budget: 3600,
      target: { bytes: 8 },
      untried: [],
    });
    const chosen = once.trials.find(({ spec }) => spec === once.recommended)!;
    expect(chosen.reached).toBe(Math.max(...once.trials.map(({ reached }) => reached)));
    expect(chosen.reached).toBe(chosen.recall["10"]);
    expect(once.reason).toContain(chosen.spec);
  });

  it("recommends the smallest that finds enough, with commands that run as they are", async () => {
    const options = ["--recall=.7", "--k=5", "--metric=cosine", "--rescore=3", "--seed=2"];
    const { commands, trials, recommended } = await json(...options);
    const enough = trials.filter(({ reached }) => reached >= 0.7);
    expect(trials.find(({ spec }) => spec === recommended)!.bytesPerVector).toBe(
      Math.min(...enough.map(({ bytesPerVector }) => bytesPerVector)),
    );
    expect(commands).toHaveLength(3);
    expect(commands[2]).toBe(
      `tessera search vectors.index.safetensors queries.npy --k 5 --metric cosine --rescore 3 --vectors ${vectors}`,
    );
    const own = new Set(["model.safetensors", "vectors.index.safetensors", "queries.npy"]);
    await writeVectors(at("queries.npy"), sampleRows(3, 16));
    for (const command of commands) {
      const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, bare]) => quoted ?? bare!,
      );
      const argv = words.slice(1).map((word) => (own.has(word) ? at(word) : word));
      const { code, err } = await tessera(argv);
      expect({ code, err }).toEqual({ code: 0, err: "" });
    }
  });

  it("names the best where nothing is good enough, and still shows what it tried", async () => {
    const argv = ["recommend", vectors, "--bytes=2", "--recall=.999", ...WITHOUT_END];
    const { code, out, err } = await tessera(argv);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^tessera: nothing that was tried finds 0\.999 of the 10 nearest in 2 bytes a vector; the best, \S+, finds 0\.\d{3} at [12] bytes? a vector\nhint: ask for less, or have candidates looked at again with --rescore 4\n$/,
    );
    expect(out).toMatch(/^ +bytes +recall@1/m);
    expect(out).not.toContain("tessera fit");
    const { out: object } = await tessera([...argv, "--json"]);
    expect(JSON.parse(object)).toMatchObject({ recommended: null, reason: null, commands: [] });
  });

  it("stops at Ctrl-C, and leaves nothing", async () => {
    const controller = new AbortController();
    const before = await filesIn(folder);
    const { run } = await import("../main.js");
    const pieces: string[] = [];
    const stderr = {
      isTTY: true,
      columns: 80,
      write(text: string) {
        pieces.push(text);
        controller.abort();
      },
    };
    const code = await run(["recommend", vectors, "--bytes=8"], {
      stdout: { write: (text) => pieces.push(text) },
      stderr,
      env: { NO_COLOR: "1" },
      signal: controller.signal,
    });
    expect(code).toBe(130);
    expect(pieces.at(-1)).toBe("tessera: interrupted; nothing was written\n");
    expect(await filesIn(folder)).toEqual(before);
  });

  it("says what is wrong with what was asked", async () => {
    await fails(
      [vectors],
      2,
      "tessera: recommend needs --bytes or --recall",
      "hint: try --bytes 16, or --recall 0.9 for the smallest codes that find as much",
    );
    await fails(
      [vectors, "--recall=95"],
      2,
      'tessera: --recall is "95"; it must be a number above 0 and at most 1',
      "hint: did you mean --recall 0.95?",
    );
    await fails(
      [vectors, "--recall=lots"],
      2,
      'tessera: --recall is "lots"; it must be a number above 0 and at most 1',
    );
    await fails(
      [vectors, "--bytes=8", "--budget=soon"],
      2,
      'tessera: --budget is "soon"; it must be a time such as 90s, 5min or 1h',
    );
    await fails(
      [vectors, "--bytes=8", "--k=1000", "--rescore=5"],
      1,
      "tessera: rescore is 5; it must be an integer from 1 to 4",
    );
    const few = await writeVectors(at("few.npy"), sampleRows(9, 16));
    await fails(
      [few, "--bytes=8"],
      1,
      "tessera: of 9 rows none can be held out with 10 neighbours left among the others",
      "hint: so few rows are searched exactly, without a quantizer",
    );
  });

  it.each(["90", "90s", "1.5min", "1.5m", ".025h"])("takes %s for a time", async (time) => {
    const argv = ["recommend", vectors, "--bytes=2", "--sample=100", "--json", "--budget", time];
    expect(JSON.parse((await tessera(argv)).out)).toMatchObject({ budget: 90 });
  });
});
