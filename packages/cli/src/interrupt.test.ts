import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { filesIn, sampleRows, temporaryFolder, tessera, writeVectors } from "../test/harness.js";

const folder = await temporaryFolder();
const bin = fileURLToPath(new URL("../dist/bin.js", import.meta.url));

describe("an interrupted command", () => {
  it.each([
    ["before it starts", 0],
    ["in the middle", 3],
  ])("writes nothing and ends with 130 (%s)", async (name, updates) => {
    const out = join(folder, `out-${updates}`);
    await mkdir(out);
    const vectors = await writeVectors(join(folder, `${updates}.npy`), sampleRows(3000, 16));
    const controller = new AbortController();
    if (updates === 0) controller.abort();
    // Aborts from inside the work, at a moment that does not depend on the machine's speed: when it reports progress.
    let left = updates;
    const stderr = {
      isTTY: true,
      columns: 80,
      written: "",
      write(text: string) {
        this.written += text;
        if (--left <= 0) controller.abort();
      },
    };
    const { run } = await import("./main.js");
    const code = await run(
      [
        "ids",
        vectors,
        "--spec",
        "rq4x64",
        "--restarts",
        "50",
        "--iterations",
        "100",
        "--out",
        join(out, "ids.json"),
        "--model",
        join(out, "m.safetensors"),
        "--report",
        join(out, "r.html"),
      ],
      {
        stdout: { write: () => undefined },
        stderr,
        env: { NO_COLOR: "1" },
        signal: controller.signal,
      },
    );
    expect(name).not.toBe("");
    expect(code).toBe(130);
    expect(stderr.written).toContain("tessera: interrupted; nothing was written");
    expect(await filesIn(out)).toEqual([]);
  });

  it.skipIf(!existsSync(bin))("as a process, by Ctrl-C (skipped before a build)", async () => {
    const out = join(folder, "process");
    await mkdir(out);
    const vectors = await writeVectors(join(folder, "long.npy"), sampleRows(20_000, 32));
    const child = spawn(process.execPath, [
      bin,
      "fit",
      vectors,
      "--spec",
      "rq8x256",
      "--restarts",
      "1000",
      "--iterations",
      "1000",
      "--out",
      join(out, "m.safetensors"),
    ]);
    let err = "";
    child.stderr.on("data", (data: Buffer) => {
      err += data.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    // Long enough for the work to have begun; too early would be fine, too.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(err).toBe("tessera: interrupted; nothing was written\n");
    expect(await filesIn(out)).toEqual([]);
  });
});

describe("a command that is not interrupted", () => {
  it("ends with 0 whatever the signal does later", async () => {
    const vectors = await writeVectors(join(folder, "fine.npy"), sampleRows(50, 4));
    const controller = new AbortController();
    const { code } = await tessera(["ids", vectors, "--spec", "vq4"], {
      signal: controller.signal,
    });
    controller.abort();
    expect(code).toBe(0);
  });
});
