import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/harness.js";
import { Journal } from "./journal.js";

const folder = await temporaryFolder();
const resume = (step: number) => ({ kind: "resume", step }) as const;

describe("a journal", () => {
  it("writes a line an event, in order, and begins anew", async () => {
    const path = join(folder, "a.jsonl");
    await writeFile(path, "old\n");
    const journal = await Journal.open(path, false);
    for (let step = 0; step < 200; step++) journal.write(resume(step));
    await journal.flush();
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
    expect(journal.events).toHaveLength(200);
  });

  it("goes on after the last whole line", async () => {
    const path = join(folder, "b.jsonl");
    const line = `${JSON.stringify({ ...resume(7), seconds: 1 })}\n`;
    await writeFile(path, `${line}{"kind":"st`);
    const journal = await Journal.open(path, true);
    expect(journal.events).toMatchObject([resume(7)]);
    journal.write(resume(8));
    await journal.flush();
    expect(await readFile(path, "utf8")).toMatch(/"step":7.*\n.*"step":8.*\n$/);
    // What another program wrote stays, and is not told of.
    await writeFile(path, "words\n");
    expect((await Journal.open(path, true)).events).toEqual([]);
    expect(await readFile(path, "utf8")).toBe("words\n");
  });

  it("keeps events without a file, and says when it cannot write", async () => {
    const kept = await Journal.open(undefined, false);
    kept.write(resume(1));
    await kept.flush();
    expect(kept.events).toHaveLength(1);
    const lost = await Journal.open(join(folder, "missing", "c.jsonl"), true);
    lost.write(resume(1));
    await expect(lost.flush()).rejects.toThrow("ENOENT");
  });
});
