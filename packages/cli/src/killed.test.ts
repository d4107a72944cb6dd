import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { parseLog, recordOf } from "./training-report/record.js";
import { sampleRows, temporaryFolder, writeVectors } from "../test/harness.js";

const folder = await temporaryFolder();
const bin = fileURLToPath(new URL("../dist/bin.js", import.meta.url));
const at = (name: string) => join(folder, name);
const TRAINING = JSON.stringify({ steps: 600, pretraining: 100, reviewEvery: 50, separation: 2 });

const name = "training that is killed at any moment goes on to the model of an unbroken run";
it.skipIf(!existsSync(bin))(`${name} (skipped before a build)`, async () => {
  const vectors = await writeVectors(at("vectors.npy"), sampleRows(400, 8));
  const start = (out: string, ...more: string[]) => {
    const argv = [bin, "fit", vectors, "--spec", "ae(32,8)>rq2x16", "--training", TRAINING];
    const all = [...argv, "--threads", "1", "--out", at(out), ...more];
    const child = spawn(process.execPath, all, { stdio: "ignore" });
    const ended = new Promise<number | null>((done) => child.on("exit", done));
    return { child, ended };
  };
  expect(await start("whole.safetensors").ended).toBe(0);
  const durable = ["--checkpoint", at("run.ckpt"), "--checkpoint-every", "40", "--resume"];
  durable.push("--log", at("run.jsonl"));
  for (const milliseconds of [0, 35, 90]) {
    const { child, ended } = start("resumed.safetensors", ...durable);
    const over = ended.then(() => true);
    // Once there is a checkpoint, and a while more.
    while (!existsSync(at("run.ckpt")) && !(await Promise.race([over, after(2, false)])));
    await after(milliseconds);
    child.kill("SIGKILL");
    await ended;
  }
  expect(await start("resumed.safetensors", ...durable).ended).toBe(0);
  const [whole, resumed] = await Promise.all(
    ["whole.safetensors", "resumed.safetensors"].map((name) => readFile(at(name))),
  );
  expect(resumed!.equals(whole!)).toBe(true);
  // The log tells of each step once, though some were taken again.
  const { steps, taken } = recordOf(parseLog(await readFile(at("run.jsonl"), "utf8")));
  expect(taken).toBe(700);
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 70 }, (_, i) => 10 * i + 10));
});
